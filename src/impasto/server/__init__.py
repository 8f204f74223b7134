"""The web page, the REST API and the workers behind them: jobs that are never lost.

The server process answers requests and holds no network; worker processes paint. Between them are a database,
with the jobs, and the store, a folder with the files.
"""
