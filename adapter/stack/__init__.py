"""A deployed stack, seen through boto3, and what a new template would change in it.

    place         which stack, where: flags, samconfig.toml, the usual AWS variables
    access        boto3 clients; every refusal of AWS as one clear error

    resources     a template with Globals put where they apply, and with names for people
    grants        who may do what, by a template
    comparison    two templates: added, changed, replaced, removed, wider access
    change_set    what CloudFormation says it would replace

    deployed      the stack: status, outputs, functions;  events: what happened to it, and why
    readiness     waiting until what was deployed answers
    logs, invocation, deletion   what the commands of these names do
    sam           AWS SAM CLI as a child process

`grants` and `comparison` are pure functions over templates, so that a comparison with AWS and one
with the last build say the same words.
"""
