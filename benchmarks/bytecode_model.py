"""Measure the bytecode that pip compiles, and fit the constants that `wheelbase` predicts it with.

    python benchmarks/bytecode_model.py FOLDER --python PATH [--python PATH ...] [--pyodide FOLDER ...] [--write]

downloads a corpus of wheels into FOLDER with pip, lets every interpreter given compile every module
in them, and keeps what came out there, so that a second run is short. Then it fits the model of
`wheelbase.wheels.bytecode` on half of the projects, prints how far it is off on the other half, by wheel
and by application, and with --write fits all of them and writes `bytecode.toml` beside that module.

Needs numpy beside wheelbase itself. A Python that isn't installed can be measured in the build of it
for WebAssembly that the npm package `pyodide` holds, with Node.js: --pyodide node_modules/pyodide.
"""

from __future__ import annotations

import argparse
import email
import json
import math
import random
import re
import statistics
import subprocess
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wheelbase.wheels import bytecode
from wheelbase.wheels.bytecode import Model, Spread, density, installed, path_bytes
from wheelbase.wheels.paths import is_test

Array = NDArray[np.float64]

#: Deflated to plain size of a module: the knots of the bytes of bytecode per byte of source.
DENSITIES = (0.1, 0.2, 0.3, 0.45)
#: A wheel with fewer bytes than this has less say in the fit.
SMALL = 300_000
#: A module is far off the line from this many bytes of bytecode per byte of source.
FAR = 0.4
#: The last Pythons of each family: between them, the corrections of projects change (bytecode with inline caches,
#: annotations evaluated when asked for), and within them hardly.
FAMILIES = ((3, 10), (3, 13), (3, 99))
#: Points of the corrections that lie closer than this to the line between their neighbours are left out.
CLOSE = 0.02
#: What the range widens by for each minor version between a Python and the nearest one measured: the steps measured
#: changed bytecode by 9 % at most, but for the 57 % of that to 3.11.
PER_VERSION = 0.1
#: Folders that more than one project installs into, or might.
COMMON = set(
    ".. app bin config core data doc docs example examples benchmark benchmarks lib sample samples scripts share src"
    " test testing tests tools tutorial util utils".split()
)
#: A folder with fewer bytes of modules than this needs no correction.
TINY = 5_000

#: Projects whose newest wheels for Python 3.12 and for Python 3.8 are measured.
TWO_RELEASES = """
# web
django djangorestframework django-filter django-allauth django-extensions wagtail flask werkzeug jinja2
markupsafe itsdangerous click flask-sqlalchemy wtforms bottle falcon fastapi starlette pydantic pydantic-core
uvicorn gunicorn tornado twisted sanic aiohttp yarl multidict requests urllib3 httpx httpcore h11 anyio
websockets celery kombu amqp billiard redis pymongo sqlalchemy alembic mako peewee asyncpg psycopg2-binary
psycopg graphene graphql-core marshmallow elasticsearch
# clouds, services and generated code
boto3 botocore s3transfer aiobotocore awscli mypy-boto3-s3 mypy-boto3-ec2 google-cloud-storage
google-cloud-bigquery google-cloud-pubsub google-cloud-aiplatform google-cloud-vision google-api-core
google-auth googleapis-common-protos google-api-python-client protobuf grpcio grpcio-status grpcio-tools
azure-core azure-storage-blob azure-identity azure-mgmt-compute azure-mgmt-network msal kubernetes docker stripe
twilio openai anthropic slack-sdk paramiko sentry-sdk opentelemetry-api opentelemetry-sdk
opentelemetry-semantic-conventions opentelemetry-proto prometheus-client datadog snowflake-connector-python
# science, tables, learning
numpy pandas scipy scikit-learn matplotlib seaborn statsmodels sympy mpmath networkx xarray dask distributed
pyarrow polars numba llvmlite bokeh plotly altair pillow scikit-image h5py joblib nltk spacy gensim transformers
tokenizers huggingface-hub datasets keras xgboost lightgbm langchain langchain-core langchain-community
streamlit onnx shapely geopandas pyproj rasterio biopython astropy fonttools contourpy patsy pymc
# large tables of data
pytz tzdata idna babel pygments charset-normalizer chardet certifi faker phonenumbers pycountry emoji holidays
num2words unidecode wcwidth docutils sphinx
# tools and libraries
pip setuptools wheel ansible-core black mypy pylint astroid jedi parso pytest hypothesis coverage virtualenv
rich typer textual tqdm colorama attrs cattrs more-itertools toolz sortedcontainers packaging six
python-dateutil pyyaml ruamel-yaml jsonschema simplejson msgpack cffi cryptography pycparser pyjwt passlib
oauthlib cachetools tenacity structlog loguru scrapy lxml beautifulsoup4 html5lib soupsieve sqlglot dbt-core
prefect apache-airflow apscheduler fsspec gevent greenlet openpyxl xlsxwriter reportlab pypdf dnspython netaddr
markdown mistune trio typing-extensions ipython ipykernel jupyter-client jupyterlab notebook nbconvert nbformat
traitlets moto zope-interface pyzmq psutil importlib-metadata platformdirs filelock prompt-toolkit
"""
#: Projects whose newest wheel for Python 3.12 is measured.
ONE_RELEASE = """
s3fs pyasn1 pyasn1-modules rsa tzlocal frozenlist aiosignal propcache annotated-types distro jiter pluggy
iniconfig isodate msrest azure-common azure-mgmt-core azure-mgmt-resource azure-mgmt-storage
azure-keyvault-secrets msal-extensions requests-oauthlib requests-toolbelt websocket-client httplib2 uritemplate
google-auth-httplib2 google-auth-oauthlib google-cloud-core google-resumable-media proto-plus grpc-google-iam-v1
google-cloud-secret-manager google-cloud-logging google-cloud-firestore google-crc32c jmespath cycler kiwisolver
pyparsing threadpoolctl tomlkit tomli keyring shellingham markdown-it-py mdurl nest-asyncio asttokens executing
pure-eval stack-data matplotlib-inline decorator pexpect ptyprocess jupyter-core jupyter-server
jupyterlab-server debugpy bleach defusedxml tinycss2 webencodings nbclient terminado argon2-cffi arrow json5
referencing rpds-py regex tiktoken safetensors accelerate sentence-transformers thinc srsly catalogue wasabi
smart-open langsmith langchain-openai langgraph litellm email-validator python-multipart httptools uvloop
watchfiles python-dotenv pydantic-settings sqlmodel aiosqlite pymysql motor mongoengine flask-cors flask-login
flask-migrate flask-wtf django-cors-headers django-environ django-storages django-redis django-celery-beat
django-debug-toolbar django-import-export drf-spectacular djangorestframework-simplejwt django-crispy-forms
whitenoise channels daphne asgiref sqlparse click-didyoumean click-plugins click-repl vine flower hiredis rq
confluent-kafka kafka-python pika elastic-transport opensearch-py neo4j minio python-jose pyopenssl
service-identity pynacl bcrypt invoke deprecated wrapt ddtrace newrelic python-json-logger
opentelemetry-instrumentation opentelemetry-exporter-otlp-proto-common opentelemetry-exporter-otlp-proto-grpc
opentelemetry-exporter-otlp-proto-http opentelemetry-instrumentation-fastapi tabulate prettytable termcolor
humanize pendulum dateparser croniter python-slugify text-unidecode inflection xmltodict cssselect parsel w3lib
queuelib itemadapter itemloaders selenium outcome wsproto h2 hpack hyperframe hypercorn brotli aiofiles
jsonpatch jsonpointer cloudpickle zict tblib locket partd zarr numcodecs tables numexpr bottleneck cython
imbalanced-learn optuna shap dash pydeck gitpython gitdb smmap watchdog validators gradio gradio-client imageio
tifffile lazy-loader pywavelets absl-py opt-einsum einops jax flax duckdb databricks-sdk thrift agate pandera
xlrd python-docx python-pptx et-xmlfile pdfminer-six pdfplumber weasyprint mkdocs zeep aws-xray-sdk
aws-lambda-powertools mangum constantly incremental automat hyperlink protego pydispatcher zipp sniffio
exceptiongroup appdirs cfgv identify nodeenv distlib mypy-extensions pathspec snowballstemmer alabaster
imagesize pkginfo pyproject-hooks build jaraco-classes backoff uvicorn-worker flask-restful slowapi limits
ordered-set mysql-connector-python oracledb ruamel-yaml-clib cachecontrol tensorboard mlflow-skinny fastavro
pyogrio pyserial simple-salesforce hvac cligj affine click-default-group rfc3986 dateutils
"""
#: Releases of 2019 and 2020, with wheels for Python 3.8.
OLD_RELEASES = """
numpy==1.18.5 pandas==0.25.3 matplotlib==3.1.3 scipy==1.4.1 scikit-learn==0.22.2.post1 django==2.2.28
django==3.0.14 djangorestframework==3.11.0 flask==1.1.2 werkzeug==1.0.1 jinja2==2.11.3 click==7.1.2
requests==2.23.0 urllib3==1.25.9 idna==2.9 chardet==3.0.4 boto3==1.13.26 botocore==1.16.26 awscli==1.18.76
sqlalchemy==1.3.17 celery==4.4.5 kombu==4.6.10 redis==3.5.3 pymongo==3.10.1 aiohttp==3.6.2 pillow==7.1.2
lxml==4.5.1 protobuf==3.12.2 grpcio==1.29.0 google-cloud-storage==1.28.1 google-cloud-bigquery==1.25.0
google-api-core==1.20.0 google-auth==1.17.2 kubernetes==11.0.0 cryptography==2.9.2 networkx==2.4 sympy==1.6
xarray==0.15.1 dask==2.18.1 distributed==2.18.0 plotly==4.8.1 seaborn==0.10.1 statsmodels==0.11.1
scikit-image==0.17.2 gensim==3.8.3 spacy==2.2.4 transformers==2.11.0 ipython==7.15.0 notebook==6.0.3
nbconvert==5.6.1 jedi==0.17.0 pytest==5.4.3 hypothesis==5.16.1 pylint==2.5.3 black==19.10b0 setuptools==47.1.1
pip==20.1.1 babel==2.8.0 pygments==2.6.1 pytz==2020.1 sphinx==3.1.1 docutils==0.16 faker==4.1.0
phonenumbers==8.12.5 attrs==19.3.0 six==1.15.0 python-dateutil==2.8.1 marshmallow==3.6.1 pydantic==1.5.1
fastapi==0.56.0 starlette==0.13.4 uvicorn==0.11.5 scrapy==2.1.0 paramiko==2.7.1 docker==4.2.1
azure-storage-blob==12.3.2 azure-mgmt-compute==12.0.0 apache-airflow==1.10.10 biopython==1.77 numba==0.49.1
psycopg2-binary==2.8.5 jsonschema==3.2.0 prompt-toolkit==3.0.5 rich==2.2.3
"""

#: Applications as people write them, from projects above; each is also judged as a whole.
APPLICATIONS = {
    "fastapi": "fastapi starlette pydantic pydantic-core annotated-types typing-extensions anyio idna sniffio uvicorn"
    " click h11 httptools uvloop watchfiles websockets python-dotenv sqlalchemy greenlet asyncpg alembic mako"
    " markupsafe",
    "django": "django asgiref sqlparse djangorestframework django-filter django-cors-headers django-environ gunicorn"
    " packaging psycopg2-binary celery kombu amqp vine billiard redis click whitenoise sentry-sdk certifi urllib3",
    "flask": "flask werkzeug jinja2 markupsafe itsdangerous click flask-sqlalchemy sqlalchemy greenlet flask-migrate"
    " alembic mako flask-login flask-wtf wtforms gunicorn packaging psycopg2-binary requests urllib3 idna certifi"
    " charset-normalizer",
    "data": "pandas numpy python-dateutil pytz six tzdata matplotlib contourpy cycler fonttools kiwisolver packaging"
    " pillow pyparsing scipy seaborn statsmodels patsy openpyxl et-xmlfile",
    "learning": "scikit-learn numpy scipy joblib threadpoolctl pandas python-dateutil six tzdata xgboost flask werkzeug"
    " jinja2 markupsafe itsdangerous click requests urllib3 idna certifi charset-normalizer",
    "language": "transformers tokenizers huggingface-hub filelock fsspec packaging pyyaml regex requests safetensors"
    " tqdm numpy urllib3 idna certifi charset-normalizer typing-extensions fastapi starlette pydantic pydantic-core"
    " uvicorn h11 click anyio",
    "aws": "boto3 botocore s3transfer jmespath python-dateutil six urllib3 aws-lambda-powertools aws-xray-sdk wrapt"
    " typing-extensions requests idna certifi charset-normalizer",
    "google": "google-cloud-storage google-cloud-pubsub google-cloud-bigquery google-api-core google-auth"
    " google-cloud-core google-resumable-media google-crc32c googleapis-common-protos protobuf grpcio grpcio-status"
    " proto-plus grpc-google-iam-v1 cachetools pyasn1 pyasn1-modules rsa requests urllib3 idna certifi"
    " charset-normalizer flask werkzeug jinja2 markupsafe itsdangerous click gunicorn packaging python-dateutil six",
    "azure": "azure-core azure-identity azure-storage-blob azure-keyvault-secrets msal msal-extensions isodate"
    " cryptography cffi pycparser pyjwt requests urllib3 idna certifi charset-normalizer typing-extensions six",
    "agent": "langchain langchain-core langchain-openai langgraph langsmith openai tiktoken pydantic pydantic-core"
    " annotated-types typing-extensions anyio httpx httpcore h11 idna sniffio certifi distro jiter tqdm regex requests"
    " urllib3 charset-normalizer tenacity pyyaml jsonpatch jsonpointer packaging orjson",
    "scraper": "scrapy twisted automat constantly hyperlink incremental attrs zope-interface lxml cssselect parsel"
    " w3lib queuelib itemadapter itemloaders protego pydispatcher service-identity pyopenssl cryptography cffi"
    " pycparser pyasn1 pyasn1-modules idna packaging filelock requests urllib3 certifi charset-normalizer",
    "notebook": "jupyterlab jupyterlab-server jupyter-server jupyter-client jupyter-core notebook nbconvert nbformat"
    " nbclient ipykernel ipython traitlets pyzmq tornado psutil debugpy jedi parso prompt-toolkit wcwidth pygments"
    " stack-data executing asttokens pure-eval matplotlib-inline pexpect ptyprocess decorator bleach webencodings"
    " tinycss2 mistune jinja2 markupsafe beautifulsoup4 soupsieve babel json5 jsonschema referencing rpds-py attrs"
    " arrow python-dateutil six platformdirs nest-asyncio setuptools terminado argon2-cffi defusedxml websocket-client",
    "dashboard": "streamlit altair pandas numpy pyarrow pydeck protobuf tornado click rich tenacity toml cachetools"
    " gitpython gitdb smmap pillow requests urllib3 idna certifi charset-normalizer jinja2 markupsafe jsonschema attrs"
    " referencing rpds-py python-dateutil pytz six tzdata typing-extensions packaging watchdog blinker",
    "operator": "kubernetes pyyaml certifi six python-dateutil websocket-client requests requests-oauthlib oauthlib"
    " urllib3 idna charset-normalizer google-auth cachetools pyasn1 pyasn1-modules rsa prometheus-client structlog",
    "bot": "slack-sdk aiohttp aiosignal attrs frozenlist multidict propcache yarl idna typing-extensions openai anyio"
    " httpx httpcore h11 sniffio certifi distro jiter pydantic pydantic-core annotated-types tqdm python-dotenv loguru",
    "map": "geopandas shapely pyproj pyogrio pandas numpy python-dateutil six pytz tzdata packaging rasterio affine"
    " attrs click cligj pyparsing certifi click-plugins",
    "small": "requests urllib3 idna certifi charset-normalizer click rich pygments markdown-it-py mdurl pyyaml",
}

#: The Pythons that wheels are downloaded for, and the platforms, oldest glibc last.
NEW, OLD = "3.12", "3.8"
GLIBC = ("2_34", "2_31", "2_28", "2_27", "2_24", "2_17", "2014", "2010", "1")

#: Held-out wheels with less bytecode than this are not judged one by one.
JUDGED = 50_000

#: Runs in each measured interpreter, 3.6 and later, so in an old dialect. What it writes is what
#: pip's `compileall` does: `compile` with the path that the source is installed at, a header, and
#: `marshal`. A module that doesn't compile has -1 (pip leaves it without bytecode, too).
WORKER = r"""
import json, marshal, os, sys, warnings, zipfile, zlib

HEADER = 12 if sys.version_info < (3, 7) else 16

def installed(name):
    parts = name.split("/")
    if not parts[0].endswith(".data"):
        return name
    return "/".join(parts[2:] if parts[1] in ("purelib", "platlib") else ["../../../bin"] + parts[2:])

def measure(path, site):
    rows, packed, gzip = [], 0, zlib.compressobj(6, zlib.DEFLATED, 31)
    with zipfile.ZipFile(path) as wheel:
        modules = [one for one in wheel.infolist() if one.filename.endswith(".py")]
        # Folder by folder, as a layer has them.
        for one in sorted(modules, key=lambda one: one.filename.rpartition("/")[::2]):
            row = [one.filename, one.file_size, one.compress_size, -1]
            rows.append(row)
            try:
                code = compile(wheel.read(one), site + "/" + installed(one.filename), "exec", dont_inherit=True)
                data = bytes(HEADER) + marshal.dumps(code)
            except Exception:
                continue
            row[3] = len(data)
            packed += len(gzip.compress(data))
    packed += len(gzip.flush())
    return {"wheel": os.path.basename(path), "gzip": packed, "files": rows}

def main(root, names, write):
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(10000)
    site = "/usr/local/lib/python%d.%d/site-packages" % sys.version_info[:2]
    version = sys.version.split()[0]
    if sys.platform == "emscripten":
        version += " for WebAssembly"
    empty = HEADER + len(marshal.dumps(compile(b"", "", "exec", dont_inherit=True)))
    write(json.dumps({"version": sys.version_info[:2], "patch": version, "empty": empty}))
    for name in names:
        write(json.dumps(measure(os.path.join(root, name), site)))
"""

#: Runs the worker in a CPython built for WebAssembly, by Node.js: a way to a Python that is not
#: installed. Its code objects are those of the same version elsewhere.
PYODIDE = r"""
import fs from "fs";
const [home, worker, wheels] = process.argv.slice(2);
const { loadPyodide } = await import(home + "/pyodide.mjs");
const python = await loadPyodide();
python.FS.mkdir("/wheels");
python.FS.mount(python.FS.filesystems.NODEFS, { root: wheels }, "/wheels");
python.globals.set("names", fs.readFileSync(0, "utf8"));
python.globals.set("write", line => fs.writeSync(1, line + "\n"));
try {
  python.runPython(fs.readFileSync(worker, "utf8") + '\nmain("/wheels", names.split(), write)');
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
"""


@dataclass(frozen=True, slots=True)
class Wheel:
    """What one interpreter makes of one wheel."""

    name: str
    #: The bytecode of all modules, and that under gzip as one stream.
    bytecode: int
    gzip: int
    #: (path in the wheel, size, deflated size, size of the bytecode or -1)
    files: list[tuple[str, int, int, int]]

    @property
    def project(self) -> str:
        return re.sub(r"[-_.]+", "-", self.name.split("-")[0]).lower()

    @property
    def release(self) -> str:
        return self.name.split("-")[1]

    @property
    def size(self) -> int:
        return sum(size for _, size, _, _ in self.files)

    @property
    def deflated(self) -> int:
        return sum(deflated for _, _, deflated, _ in self.files)

    @property
    def members(self) -> list[tuple[str, int, int]]:
        return [file[:3] for file in self.files]


def download(folder: Path) -> None:
    """Download the wheels that are not there yet, one after the other; failures are told and passed over."""
    both = [word for line in TWO_RELEASES.splitlines() if not line.startswith("#") for word in line.split()]
    wanted = [(one, NEW) for one in both + ONE_RELEASE.split()]
    wanted += [(one, OLD) for one in OLD_RELEASES.split() + both]
    ledger = folder / "downloaded.txt"
    done = set(ledger.read_text().splitlines()) if ledger.exists() else set()
    platforms = [f"manylinux{'' if len(tag) in (1, 4) and '_' not in tag else '_'}{tag}_x86_64" for tag in GLIBC]
    for requirement, python in wanted:
        line = f"{requirement} {python}"
        if line in done:
            continue
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--implementation", "cp", "--python-version", python, "--dest", str(folder / "wheels")]
        for platform in platforms:
            command += ["--platform", platform]
        result = subprocess.run([*command, requirement], capture_output=True, text=True, check=False)
        if result.returncode:
            print(f"no wheel of {line}: {result.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        with ledger.open("a") as file:
            file.write(f"{line}\n")


@dataclass(frozen=True, slots=True)
class Measured:
    """All that one Python was seen to make."""

    version: tuple[int, int]
    patch: str
    #: Bytes of the bytecode of an empty module, less those of its path.
    empty: int
    wheels: list[Wheel]

    @property
    def name(self) -> str:
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def site(self) -> str:
        """Where an image built from a language's official base has its packages."""
        return f"/usr/local/lib/python{self.name}/site-packages"


def measure(folder: Path, command: list[str]) -> Measured:
    """Compile the wheels that a Python may install, and keep what came out for the next run."""
    head = json.loads(subprocess.run(command, input="", stdout=subprocess.PIPE, text=True, check=True).stdout)
    version = f"{head['version'][0]}.{head['version'][1]}"
    kept = folder / f"measured-{version}.jsonl"
    lines = kept.read_text().splitlines() if kept.exists() else []
    done = {json.loads(line)["wheel"] for line in lines}
    paths = [path for path in sorted((folder / "wheels").glob("*.whl")) if path.name not in done]
    names = [path.name for path in paths if _allows(path, version)]
    if names:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin and process.stdout
            process.stdin.write("\n".join(names))
            process.stdin.close()
            process.stdout.readline()
            with kept.open("a") as file:
                for line in process.stdout:
                    file.write(line)
                    file.flush()
                    lines.append(line)
        if process.returncode:
            sys.exit(f"the worker on Python {version} ended with {process.returncode}")
    wheels = []
    for line in lines:
        row = json.loads(line)
        files = [(name, size, deflated, code) for name, size, deflated, code in row["files"]]
        total = sum(max(code, 0) for *_, code in files)
        if total:
            wheels.append(Wheel(row["wheel"], total, row["gzip"], files))
    wheels.sort(key=lambda wheel: wheel.name)
    return Measured((head["version"][0], head["version"][1]), head["patch"], head["empty"], wheels)


@cache
def _requires(path: Path) -> SpecifierSet:
    with zipfile.ZipFile(path) as wheel:
        name = next(one for one in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", one))
        return SpecifierSet(email.message_from_bytes(wheel.read(name)).get("Requires-Python", ""))


def _allows(path: Path, version: str) -> bool:
    return _requires(path).contains(f"{version}.99", prereleases=True)


# The model


@dataclass(frozen=True, slots=True)
class Table:
    """All modules with anything in them, as the fit needs them."""

    x: Array
    y: Array
    weight: Array
    #: The number of the module's wheel.
    wheel: NDArray[np.int64]


def tabulate(measured: Measured) -> Table:
    """Lay out the modules: every project counts alike, but small ones less, and every byte within a wheel."""
    releases = Counter(wheel.project for wheel in measured.wheels)
    size, dense, test, y, weight, index = [], [], [], [], [], []
    for number, wheel in enumerate(measured.wheels):
        share = 1 / releases[wheel.project] / (wheel.size + SMALL)
        for name, plain, deflated, code in wheel.files:
            if plain == 0 or code < 0:
                continue
            size.append(plain)
            dense.append(density(plain, deflated))
            test.append(is_test(installed(name)))
            more = code - measured.empty - path_bytes(f"{measured.site}/{installed(name)}")
            y.append(min(more, 4.0 * plain + 200))
            weight.append(share / max(plain, 1000))
            index.append(number)
    knots = [np.interp(dense, DENSITIES, np.eye(len(DENSITIES))[one]) for one in range(len(DENSITIES))]
    sizes = np.array(size, float)
    columns = [sizes * knot for knot in knots]
    x = np.stack([*columns, sizes * np.array(test), np.ones(len(size))], axis=1)
    return Table(x, np.array(y, float), np.array(weight), np.array(index))


def fit(measured: Measured, table: Table, chosen: Sequence[bool]) -> Model:
    """Fit the constants of one Python on the wheels chosen.

    Modules far off the others' line, such as tables and generated code, count less than the others.
    """
    use = np.array(chosen)[table.wheel]
    x, y, base = table.x[use], table.y[use], table.weight[use]
    size = np.maximum(x[:, : len(DENSITIES)].sum(axis=1), 300)
    weight = base
    for _ in range(8):
        best = _least_squares(x, y, weight)
        weight = base * np.minimum(1, FAR / np.maximum(np.abs(x @ best - y) / size, 1e-9))
    *per_byte, tests, per_module = (float(one) for one in best)
    return Model(
        version=measured.version,
        empty=measured.empty,
        per_module=round(per_module, 1),
        densities=DENSITIES,
        per_byte=[round(one, 4) for one in per_byte],
        tests=round(tests, 4),
        family=next(number for number, last in enumerate(FAMILIES) if measured.version <= last),
        gzip=_fit_gzip([wheel for wheel, one in zip(measured.wheels, chosen, strict=True) if one]),
    )


def _fit_gzip(wheels: Sequence[Wheel]) -> tuple[float, float]:
    releases = Counter(wheel.project for wheel in wheels)
    total = np.array([wheel.bytecode for wheel in wheels], float)
    dense = np.array([min(density(wheel.size, wheel.deflated), 0.45) for wheel in wheels])
    packed = np.array([wheel.gzip for wheel in wheels], float)
    weight = 1 / (packed + SMALL / 3) ** 2 / np.array([releases[wheel.project] for wheel in wheels])
    offset, slope = _least_squares(np.stack([total, total * dense], axis=1), packed, weight)
    return round(float(offset), 4), round(float(slope), 4)


def _least_squares(x: Array, y: Array, weight: Array) -> Array:
    """Weighted least squares with no coefficient below zero, by coordinate descent."""
    gram, target = x.T @ (x * weight[:, None]), x.T @ (y * weight)
    best: Array = np.zeros(len(target))
    for _ in range(20_000):
        before = best.copy()
        for one in range(len(best)):
            rest = target[one] - gram[one] @ best + gram[one, one] * best[one]
            best[one] = max(rest / gram[one, one], 0.0)
        if np.abs(best - before).max() < 1e-9 * np.abs(best).max():
            break
    return best


# The corrections of the projects measured


@dataclass(frozen=True, slots=True)
class Sample:
    """How far the model is off on what one wheel installs below one folder, on one Python."""

    family: int
    key: str
    project: str
    release: str
    size: int
    #: The truth as a share of what the model says: of the code in the bytecode, and of its gzip.
    code: float
    gzip: float


def folders(wheels: Iterable[Wheel]) -> dict[str, str]:
    """The folder or module below site-packages to file corrections under, each with its one project."""
    paths: dict[str, set[str]] = defaultdict(set)
    for wheel in wheels:
        paths[wheel.project].update(installed(name) for name, *_ in wheel.files)
    found: dict[str, str] = {}
    # As (folder, project, paths below it); a folder of several projects is divided further.
    level = [("", project, names) for project, names in paths.items()]
    for depth in (1, 2, 3):
        below: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for _, project, names in level:
            for name in names:
                below["/".join(name.split("/")[:depth])][project].add(name)
        level = []
        for folder, owners in below.items():
            if folder.split("/")[-1] in COMMON and depth == 1:
                continue
            # A plugin that another project puts into a folder doesn't make it theirs.
            project, names = max(owners.items(), key=lambda owner: len(owner[1]))
            mostly = len(names) > 0.9 * sum(len(some) for some in owners.values())
            if mostly and (folder in names or any(name.count("/") == depth for name in names)):
                found[folder] = project
            else:
                level += [(folder, project, names) for project, names in owners.items() if folder not in names]
    return found


def samples(measured: Measured, models: Mapping[str, Model], keys: Mapping[str, str]) -> Iterator[Sample]:
    """Compare what wheels have with what the model of each says."""
    for wheel in measured.wheels:
        model = models[wheel.name]
        sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        for name, size, deflated, code in wheel.files:
            path = installed(name)
            key = bytecode.key_of(path, keys)
            if code >= 0 and keys.get(key) == wheel.project:
                one = sums[key]
                one[0] += size
                one[1] += code - model.empty - path_bytes(f"{measured.site}/{path}") if size else 0
                one[2] += model.code(path, size, deflated)
        share = wheel.gzip / wheel.bytecode
        gzip = share / (model.gzip[0] + model.gzip[1] * min(density(wheel.size, wheel.deflated), 0.45))
        for key, (plain, real, said) in sums.items():
            if plain >= TINY and real > 0:
                yield Sample(model.family, key, wheel.project, wheel.release, int(plain), real / said, gzip)


@dataclass(frozen=True, slots=True)
class Point:
    """The corrections of a folder with as many bytes of modules, by family: of the code and of the gzip, or none."""

    size: int
    families: tuple[tuple[float, ...], ...]

    @property
    def row(self) -> list[Any]:
        """As `bytecode.toml` has it."""
        return [self.size, *([round(share, 3) for share in family] for family in self.families)]


def corrections(found: Iterable[Sample]) -> dict[str, list[Point]]:
    """The mean samples of each release of each folder by family, less those that lines between others give."""
    by_key: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for sample in found:
        by_key[sample.key][sample.release].append(sample)
    result = {}
    for key, releases in by_key.items():
        points: list[Point] = []
        # Releases of nearly the same size are one.
        alike: list[Sample] = []
        for some in sorted(releases.values(), key=_size):
            if alike and _size(some) > _size(alike) * 1.02:
                points.append(_point(alike))
                alike = []
            alike += some
        result[key] = _thinned([*points, _point(alike)])
    return result


def _size(some: Iterable[Sample]) -> int:
    return max(one.size for one in some)


def _point(some: Sequence[Sample]) -> Point:
    families: list[tuple[float, ...]] = []
    for family in range(len(FAMILIES)):
        pairs = [(one.code, one.gzip) for one in some if one.family == family]
        families.append(tuple(statistics.geometric_mean(column) for column in zip(*pairs, strict=True)))
    return Point(_size(some), tuple(families))


def _thinned(points: list[Point]) -> list[Point]:
    """Drop the inner points that are close to the lines between those that stay."""
    kept = points[:1]
    for number in range(1, len(points) - 1):
        before, point, after = kept[-1], points[number], points[number + 1]
        share = math.log(point.size / before.size) / math.log(after.size / before.size)
        columns = zip(before.families, point.families, after.families, strict=True)
        if not all(_close(a, b, c, share) for a, b, c in columns):
            kept.append(point)
    return kept + points[1:][-1:]


def _close(before: Sequence[float], point: Sequence[float], after: Sequence[float], share: float) -> bool:
    """Whether a point's corrections are near the line; where one point has none there is none."""
    if not (before and point and after):
        return not (before or point or after)
    return all(abs(a + share * (c - a) - b) < CLOSE for a, b, c in zip(before, point, after, strict=True))


# How far off it is


@dataclass(frozen=True, slots=True)
class Judged:
    """A held-out estimate beside the truth."""

    wheel: Wheel
    value: float
    half: float
    compressed: float


@dataclass(frozen=True, slots=True)
class Errors:
    """Relative errors, and the share of them within the range stated, if one is."""

    errors: list[float]
    within: float | None

    @property
    def summary(self) -> tuple[float, float, float]:
        off = sorted(abs(one) for one in self.errors)
        return (statistics.median(off), off[int(0.9 * (len(off) - 1))], off[-1])

    def __str__(self) -> str:
        bias = statistics.mean(self.errors)
        within = "" if self.within is None else f"{self.within:5.0%}"
        return "{:5.1%} {:6.1%} {:6.1%}".format(*self.summary) + f"  {bias:+5.1%} {within}"


def judge(wheel: Wheel, model: Model, spread: Spread, points: Mapping[str, list[Point]]) -> Judged:
    """Estimate a wheel with constants that know nothing of it."""
    packages = {key: [point.row for point in some] for key, some in points.items()}
    constants = bytecode.parse({"python": [asdict(model)], "spread": asdict(spread), "packages": packages})
    site = f"/usr/local/lib/python{model.version[0]}.{model.version[1]}/site-packages"
    found = bytecode.estimate_with(constants, wheel.members, python=model.version, site_packages=site)
    return Judged(wheel, found.value, found.high - found.value, found.compressed)


def total(parts: Iterable[Judged], *, packed: bool = False) -> tuple[float, float]:
    """The relative error of a sum, and that error as a share of the range stated."""
    some = list(parts)
    if packed:
        truth = sum(one.wheel.gzip for one in some)
        return sum(one.compressed for one in some) / truth - 1, 0.0
    truth = sum(one.wheel.bytecode for one in some)
    off = sum(one.value for one in some) - truth
    return off / truth, abs(off) / max(math.hypot(*(one.half for one in some)), 1)


def errors(groups: Iterable[Iterable[Judged]], *, packed: bool = False) -> Errors:
    found = [total(group, packed=packed) for group in groups]
    within = None if packed else statistics.mean(share <= 1 for _, share in found)
    return Errors([off for off, _ in found], within)


def draw(judged: Sequence[Judged], count: int = 1000) -> list[list[Judged]]:
    """Random applications: 8 to 15 projects, one wheel of each."""
    chance = random.Random(20)
    projects: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        projects[one.wheel.project].append(one)
    names = sorted(projects)
    return [
        [chance.choice(projects[name]) for name in chance.sample(names, chance.randint(8, 15))] for _ in range(count)
    ]


def written(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """The applications that people write, of the newest wheel of each project."""
    newest: dict[str, Judged] = {}
    for one in judged:
        before = newest.get(one.wheel.project)
        if not before or Version(one.wheel.release) > Version(before.wheel.release):
            newest[one.wheel.project] = one
    return {
        name: [newest[project] for project in projects.split() if project in newest]
        for name, projects in APPLICATIONS.items()
    }


def hold_out(measured: Sequence[Measured], keys: Mapping[str, str]) -> tuple[Spread, dict[str, dict[str, Errors]]]:
    """Judge every wheel by constants fitted on the half of the projects that its own is not in.

    Twice: as one of a project never seen, and as one of which only other releases were.
    """
    projects = sorted(set(keys.values()) | {wheel.project for one in measured for wheel in one.wheels})
    random.Random(2).shuffle(projects)
    first = set(projects[::2])
    models: dict[str, dict[str, Model]] = {}
    seen: dict[str, list[Sample]] = defaultdict(list)
    for one in measured:
        one_table = tabulate(one)
        side = [wheel.project in first for wheel in one.wheels]
        other = {True: fit(one, one_table, [not half for half in side]), False: fit(one, one_table, side)}
        models[one.name] = {wheel.name: other[half] for wheel, half in zip(one.wheels, side, strict=True)}
        for sample in samples(one, models[one.name], keys):
            seen[sample.project].append(sample)

    @cache
    def others(project: str, release: str, family: int) -> dict[str, list[Point]]:
        some = [sample for sample in seen[project] if sample.release != release]
        return corrections(some) if any(sample.family == family for sample in some) else {}

    def pass_over(spread: Spread) -> dict[str, tuple[list[Judged], list[Judged]]]:
        result = {}
        for one in measured:
            unknown, known = [], []
            for wheel in one.wheels:
                model = models[one.name][wheel.name]
                unknown.append(judge(wheel, model, spread, {}))
                if points := others(wheel.project, wheel.release, model.family):
                    known.append(judge(wheel, model, spread, points))
            result[one.name] = (unknown, known)
        return result

    # First with ranges that are sure to be wrong; then with those that hold 95 % of the wheels.
    spread = Spread(unknown=0.3, known=0.05, growth=0.15, per_version=PER_VERSION)
    sides = zip(*pass_over(spread).values(), strict=True)
    shares = [
        sorted(total([one])[1] for judged in side for one in judged if one.wheel.bytecode >= JUDGED) for side in sides
    ]
    unknown, known = (some[int(0.95 * len(some))] for some in shares)
    spread = Spread(
        unknown=round(spread.unknown * unknown, 3),
        known=round(spread.known * known, 3),
        growth=round(spread.growth * known, 3),
        per_version=PER_VERSION,
    )
    table: dict[str, dict[str, Errors]] = {}
    print(f"held out: median, 90 %, largest error; mean error; within the range of {spread}")
    for name, (unknown_judged, known_judged) in pass_over(spread).items():
        known_by_name = {one.wheel.name: one for one in known_judged}
        mixed = [known_by_name.get(one.wheel.name, one) for one in unknown_judged]
        table[name] = {
            "unknown_wheels": errors([one] for one in unknown_judged if one.wheel.bytecode >= JUDGED),
            "unknown_applications": errors(draw(unknown_judged)),
            "known_wheels": errors([one] for one in known_judged if one.wheel.bytecode >= JUDGED),
            "known_applications": errors(draw(known_judged)),
            "gzip_unknown_applications": errors(draw(unknown_judged), packed=True),
            "gzip_known_applications": errors(draw(known_judged), packed=True),
            "written_applications_unknown": errors(written(unknown_judged).values()),
            "written_applications": errors(written(mixed).values()),
        }
        for what, found in table[name].items():
            print(f"{name:5} {what:28} {found}")
        for what, parts in written(mixed).items():
            print(f"{name:5}   {what:26} {total(written(unknown_judged)[what])[0]:+6.1%} {total(parts)[0]:+6.1%}")
    return spread, table


def write(
    measured: Sequence[Measured], spread: Spread, table: Mapping[str, Mapping[str, Errors]], keys: Mapping[str, str]
) -> str:
    """The constants fitted on all wheels, as TOML."""
    models = {one.name: fit(one, tabulate(one), [True] * len(one.wheels)) for one in measured}
    found = [
        sample
        for one in measured
        for sample in samples(one, dict.fromkeys([wheel.name for wheel in one.wheels], models[one.name]), keys)
    ]
    points = corrections(found)
    text = [
        "# Written by benchmarks/bytecode_model.py: see there, and bytecode.py for what the constants mean.",
        "# The errors are of wheels held out from the fit, as shares: median, 90th percentile, largest;",
        "# 'unknown' ones of projects not seen at all, 'known' ones of projects seen in other releases only.",
        "# The constants themselves are fitted on all wheels.",
        "",
        "[spread]",
        *(f"{name} = {value}" for name, value in asdict(spread).items()),
    ]
    for one in measured:
        model = models[one.name]
        modules = [file for wheel in one.wheels for file in wheel.files]
        errors = table[one.name]
        text += [
            "",
            "[[python]]",
            f"version = [{one.version[0]}, {one.version[1]}]",
            f"empty = {model.empty}",
            f"per_module = {model.per_module}",
            f"densities = {list(model.densities)}",
            f"per_byte = {list(model.per_byte)}",
            f"tests = {model.tests}",
            f"gzip = {list(model.gzip)}",
            f"family = {model.family}",
            "",
            "[python.measured_on]",
            f'date = "{date.today()}"',
            f'interpreter = "{one.patch}"',
            f"wheels = {len(one.wheels)}",
            f"projects = {len({wheel.project for wheel in one.wheels})}",
            f"modules = {len(modules)}",
            f"source = {sum(file[1] for file in modules)}",
            f"bytecode = {sum(wheel.bytecode for wheel in one.wheels)}",
            f"bytecode_gzip = {sum(wheel.gzip for wheel in one.wheels)}",
            "",
            "[python.held_out]",
            *(f"{name} = [{', '.join(f'{share:.3f}' for share in errors[name].summary)}]" for name in errors),
        ]
    text += [
        "",
        "# Folders of measured projects: [bytes of the modules in it, for each family of Pythons the correction of the",
        "# bytecode and that of its share under gzip, or nothing if none of the family can install the release].",
        "[packages]",
        *(f"{json.dumps(key)} = {json.dumps([point.row for point in points[key]])}" for key in sorted(points)),
    ]
    return "\n".join(text) + "\n"


def main() -> None:
    """Parse the command line, and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the wheels and the measurements are kept")
    parser.add_argument("--python", type=Path, action="append", default=[], help="an interpreter to measure")
    parser.add_argument("--pyodide", type=Path, action="append", default=[], help="a folder with pyodide.mjs")
    parser.add_argument("--no-download", action="store_true", help="measure the wheels that are there")
    parser.add_argument("--write", action="store_true", help="write bytecode.toml")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()
    (folder / "wheels").mkdir(parents=True, exist_ok=True)
    if not arguments.no_download:
        download(folder)
    wheels = str((folder / "wheels").resolve())
    native = f"{WORKER}\nmain(sys.argv[1], sys.stdin.read().split(), print)"
    commands = [[str(path), "-c", native, wheels] for path in arguments.python]
    if arguments.pyodide:
        runner, worker = folder / "pyodide.mjs", folder / "worker.py"
        runner.write_text(PYODIDE)
        worker.write_text(WORKER)
        node = ["node", "--stack-size=8000", str(runner)]
        commands += [[*node, str(path.resolve()), str(worker), wheels] for path in arguments.pyodide]
    measured = sorted((measure(folder, command) for command in commands), key=lambda one: one.version)
    keys = folders(wheel for one in measured for wheel in one.wheels)
    spread, table = hold_out(measured, keys)
    if arguments.write:
        path = Path(bytecode.__file__).with_suffix(".toml")
        path.write_text(write(measured, spread, table, keys), encoding="utf-8")


if __name__ == "__main__":
    main()
