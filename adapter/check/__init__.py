"""What would fail, cost or open a door on AWS: our own linter over plan and template.

    values      a rule, a fault it has seen, a finding as it is reported
       │
    stack       what rules look at: the plan, and the template with Globals filled in
       │
    access, policies, credentials, environment, limits, concurrency, timeouts, routes,
    runtimes, logs, handles, references    the rules, a small function each
       │
    rules       all of them, with their codes: errors are A1.., warnings A2..
       │
    findings    runs them and leaves out what the user has silenced

A rule reads the template rather than the plan wherever both say it, so that what a user's own
template brings is checked too.
"""
