"""WebSocket sessions over the events of an API Gateway WebSocket API.

    $connect, message, $disconnect ──► event ──► bridge ──► session ──► ASGI application
                    client ◄── PostToConnection ◄── connections ◄──┘

Loaded at a function's first WebSocket event only.
"""
