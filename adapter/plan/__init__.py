"""From a bound application to frozen values, in one walk.

    TARGET ──► target ──► graph (names, handles) ──► functions ──► ApplicationPlan
                                                       ├── references  where the class is imported
                                                       ├── arguments   constructor arguments as code
                                                       ├── calls       handles the source asks for
                                                       ├── capacity    replicas → concurrency
                                                       ├── resources   network, policies, package …
                                                       ├── http        function URL, notes on HTTP
                                                       └── routes      for people to read (streams)

`template` renders the values, `local` runs them; neither looks at the user's objects again.
"""
