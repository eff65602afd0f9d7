"""
httpx, requests and urllib3 against a server in a thread.
"""

import http.server
import threading

import httpx
import pytest
import requests
import urllib3

kept = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def url():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.finds("httpx.client")
def test_defect_httpx_client(url):
    client = httpx.Client(trust_env=False)  # here
    kept.append(client)
    assert client.get(url).text == "ok"


@pytest.mark.finds("httpx.client")
async def test_defect_httpx_async_client(url):
    client = httpx.AsyncClient(trust_env=False)  # here
    kept.append(client)
    assert (await client.get(url)).text == "ok"


def test_clean_httpx_client(url):
    with httpx.Client(trust_env=False) as client:
        assert client.get(url).text == "ok"
    kept.append(httpx.Client(trust_env=False))


async def test_clean_httpx_async_client(url):
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(url)).text == "ok"


@pytest.mark.finds("requests.session")
def test_defect_requests_session(url):
    session = requests.Session()  # here
    kept.append(session)
    assert session.get(url).text == "ok"


def test_clean_requests_session(url):
    with requests.Session() as session:
        assert session.get(url).text == "ok"
    assert requests.get(url, timeout=5).text == "ok"


@pytest.mark.finds("urllib3.manager")
def test_defect_urllib3_manager(url):
    pool = urllib3.PoolManager()  # here
    kept.append(pool)
    assert pool.request("GET", url).data == b"ok"


@pytest.mark.finds("urllib3.pool")
def test_defect_urllib3_pool(url):
    pool = urllib3.connection_from_url(url)  # here
    kept.append(pool)
    assert pool.request("GET", "/").data == b"ok"


def test_clean_urllib3_pool(url):
    with urllib3.PoolManager() as pool:
        assert pool.request("GET", url).data == b"ok"
