"""Between an HTTP event and an ASGI application.

    event ──► detect ──► gateways ──► bridge ──► exchange ──► ASGI application
                                                                ▲
    ingress object, factory, plain __call__ ──► application ────┘

Loaded by functions that serve HTTP only.
"""
