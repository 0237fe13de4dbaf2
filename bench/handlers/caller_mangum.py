"""The same with boto3 for the call and Mangum for HTTP; a sync route, as boto3 blocks."""

import json

import boto3
from fastapi import FastAPI
from mangum import Mangum

app = FastAPI()
functions = boto3.client("lambda")


@app.get("/greet/{name}")
def greet(name: str) -> str:
    payload = json.dumps({"method": "greet", "args": [name]})
    answer = functions.invoke(FunctionName="Greeter", Payload=payload)
    greeting: str = json.loads(answer["Payload"].read())
    return greeting


handler = Mangum(app)
