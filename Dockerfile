# The image of braze-cdi-exporter: the locked dependencies and the wheel in an environment of their own, on a plain
# Python. Build:   docker build --build-arg REVISION="$(git rev-parse HEAD)" --tag braze-cdi-exporter:0.1.0 .
# Try:             docker run --rm --read-only --publish 127.0.0.1:10273:10273 braze-cdi-exporter:0.1.0 \
#                      demo --web.listen-address=:10273
#
# No "# syntax=" line: it would fetch a frontend from a registry before anything is built, and nothing here needs one.

# The same for both stages, so that the environment finds the Python it was made for. Pinned to a whole version; a
# release adds the digest: --build-arg BASE="$(tools/pin-base)".
ARG BASE=python:3.13.14-slim-trixie

FROM ${BASE} AS build
# Bytecode is compiled once, below; without its cache pip leaves nothing behind.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /source

# Dependencies first: they change seldom, and this layer is then taken from the cache. Ready-made wheels only: a
# platform that has none fails here with a clear message, and not in a compiler that is not there.
COPY requirements/build.txt requirements/release.txt requirements/run.txt requirements/
RUN python3 -m venv /tmp/tools \
    && /tmp/tools/bin/pip install --require-hashes --only-binary :all: --requirement requirements/build.txt \
    && python3 -m venv --without-pip /opt/braze-cdi-exporter \
    && /tmp/tools/bin/pip --python /opt/braze-cdi-exporter/bin/python install \
        --no-compile --require-hashes --only-binary :all: --requirement requirements/run.txt \
    && python3 -m venv /tmp/bill \
    && /tmp/bill/bin/pip install --require-hashes --only-binary :all: --requirement requirements/release.txt

COPY pyproject.toml README.md LICENSE ./
COPY tools/package_metadata.py tools/
COPY exporter/ exporter/
ARG VERSION=0.1.0
# A label that names another version than the code's would mislead: stop. Bytecode is compiled here because a read-only
# image never gets any at run time: 8 MB of 25 that halve the time of a start. Unchecked, because nothing changes the
# sources after this.
RUN test "$(/tmp/tools/bin/python -m hatchling version)" = "${VERSION}" \
    && /tmp/tools/bin/python -m hatchling build --target wheel --directory /tmp/dist \
    && /tmp/tools/bin/pip --python /opt/braze-cdi-exporter/bin/python install \
        --no-compile --no-deps --no-index /tmp/dist/*.whl \
    && /opt/braze-cdi-exporter/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/braze-cdi-exporter/lib \
    && mkdir /tmp/data /tmp/share \
    && /tmp/bill/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
        --output-file /tmp/share/braze-cdi-exporter.cdx.json /opt/braze-cdi-exporter/bin/python


FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="braze-cdi-exporter" \
      org.opencontainers.image.description="Prometheus exporter for Braze Cloud Data Ingestion" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# The base's own pip stays: taking it away in a later layer would make the image no smaller.
COPY --from=build /opt/braze-cdi-exporter /opt/braze-cdi-exporter
# The bill of materials, in CycloneDX, of what is in that environment.
COPY --from=build /tmp/share /usr/share/braze-cdi-exporter
# Owned by the user below; a new named volume takes the owner over. A folder of the host must be given to 65532.
COPY --from=build --chown=65532:65532 /tmp/data /data

ENV PATH=/opt/braze-cdi-exporter/bin:$PATH \
    BRAZE_CDI_EXPORTER_CONFIG_FILE=/etc/braze-cdi-exporter/config.yaml \
    BRAZE_CDI_EXPORTER_STORAGE_PATH=/data \
    BRAZE_CDI_EXPORTER_REVISION=${REVISION}

# A number, so that Kubernetes can see that it is not root. /data is the only place that is written to.
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 10273

# By a bare socket: the smallest thing Python can start, every ten seconds. Where the exporter listens elsewhere, or
# with TLS, give a check of your own or --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["python", "-I", "-S", "-c", "import socket; s = socket.create_connection(('127.0.0.1', 10273), 4); s.sendall(b'GET /-/healthy HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n'); raise SystemExit(b' 200 ' not in s.recv(32))"]

ENTRYPOINT ["braze-cdi-exporter"]
