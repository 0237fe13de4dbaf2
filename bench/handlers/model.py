"""A model of as many MB as BENCH_MODEL_MB says: memory that is touched while importing."""

import os

MODEL = bytearray(b"\1") * (int(os.environ.get("BENCH_MODEL_MB", "0")) << 20)
