"""Between a handle and a method: values on the wire, dispatch, the Lambda client."""
