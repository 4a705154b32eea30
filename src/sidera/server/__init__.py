"""The local server of ``sidera ui``: hands out the page, carries messages to the engine, and keeps strangers out."""
