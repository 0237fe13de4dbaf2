"""Ray Serve's config file: YAML that names applications and overrides options of deployments.

`document` reads YAML and remembers where each value stands, `schema` says what may be written,
`fields` holds one against the other, `overrides` and `planning` apply it, `program` is the door.
"""
