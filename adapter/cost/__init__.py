"""What a program costs a month: arithmetic over the plan and a table of prices.

    prices      a table of prices with its date and region: prices.toml, or one of the user's own
    load        how often each function is called, for how long
       │
    compute     what one function's computing costs: on demand, kept warm, on Managed Instances
    front       what HTTP costs before it reaches a function
       │
    estimate    both for every function of a stack, and the comparison of the three ways to compute

Nothing here asks the network, and nothing is rounded before it is shown.
"""
