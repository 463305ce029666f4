# One file, two images:
#   --target worker      every role, and the hedgerow command
#   --target operator    the same, and the operator
#
# Build arguments:
#   BASE      a Debian image with Python 3.11 at python3
#   RUST      a Debian image with cargo, of BASE's release or older; only pulled for KERNELS=built
#   KERNELS   built: compile the native kernels here; prebuilt: take the wheel that scripts/install.sh left in
#             .run/wheels; none: run their NumPy twins
ARG BASE=docker.io/library/python:3.11-slim-bookworm
ARG RUST=docker.io/library/rust:1.90-bookworm
ARG KERNELS=built

FROM ${RUST} AS kernels-built
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv \
    && python3 -m venv /maturin && /maturin/bin/pip install --no-cache-dir 'maturin>=1.9,<2'
COPY shared/kernels /kernels
RUN /maturin/bin/maturin build --release --locked --manifest-path /kernels/Cargo.toml \
    --interpreter python3 --out /wheels

FROM scratch AS kernels-prebuilt
COPY .run/wheels/ /wheels/

FROM scratch AS kernels-none
COPY .dockerignore /wheels/

FROM kernels-${KERNELS} AS kernels

FROM ${BASE} AS third-party
RUN apt-get update && apt-get install -y --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
ARG UV_VERSION=0.13.8
ARG KERNELS
ENV UV_PYTHON_DOWNLOADS=never UV_NATIVE_TLS=1 UV_NO_CACHE=1 UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 \
    VIRTUAL_ENV=/opt/hedgerow
RUN python3 -m venv /uv && /uv/bin/pip install --no-cache-dir "uv==${UV_VERSION}" \
    && /uv/bin/uv venv --python "$(command -v python3)" "$VIRTUAL_ENV"
WORKDIR /src
# A layer of their own: they are large and change seldom. SciPy only serves the kernels' twins; symbols serve debuggers,
# and libraries that wheels bring along stay as they were patched.
COPY requirements.lock shared/pyproject.toml ./
RUN /uv/bin/uv pip install --constraints requirements.lock --requirements pyproject.toml \
       $([ "$KERNELS" != none ] || echo --extra twins) \
    && find "$VIRTUAL_ENV" -type d \( -path '*/numpy/*/tests' -o -path '*/scipy/*/tests' -o -path '*/ccxt/test' \) -prune \
       -exec rm -rf {} + \
    && find "$VIRTUAL_ENV" -name '*.so' -not -path '*.libs/*' -exec strip --strip-unneeded {} +

FROM third-party AS packages
RUN touch /before
COPY --from=kernels /wheels /wheels
RUN for wheel in /wheels/*.whl; do [ ! -e "$wheel" ] || /uv/bin/uv pip install --no-deps "$wheel"; done
COPY shared/pyproject.toml shared/pyproject.toml
COPY shared/src shared/src
COPY services services
RUN /uv/bin/uv pip install --constraints requirements.lock --build-constraints requirements.lock \
    ./shared ./services/* \
    && mkdir /added && cd / \
    && find opt/hedgerow -cnewer /before ! -type d -print0 | xargs -0 cp --parents --no-dereference -t /added

FROM packages AS operator-packages
COPY operator operator
# Only what comes on top, so that the operator's image shares every layer of the worker's. Half of the client is a second
# one, for asyncio, which nothing here uses.
RUN rm -r /added && touch /before \
    && /uv/bin/uv pip install --constraints requirements.lock --build-constraints requirements.lock ./operator \
    && rm -r "$VIRTUAL_ENV"/lib/python3*/site-packages/kubernetes/aio \
    && mkdir /added && cd / \
    && find opt/hedgerow -cnewer /before ! -type d -print0 | xargs -0 cp --parents --no-dereference -t /added

FROM ${BASE} AS runtime
# The roots that signed the venues' certificates.
RUN [ -s /etc/ssl/certs/ca-certificates.crt ] \
    || { apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*; }
# USER: libraries ask for the name of whoever runs them, and a cluster may pick a number that has none.
ENV PATH=/opt/hedgerow/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp USER=hedgerow PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HEDGEROW_RECORDINGS=/opt/recordings
USER 10001:10001
WORKDIR /tmp

FROM runtime AS worker
COPY --from=third-party /opt/hedgerow /opt/hedgerow
COPY --from=packages /added /
COPY recordings /opt/recordings
ENTRYPOINT ["hedgerow"]

FROM worker AS operator
COPY --from=operator-packages /added /
ENTRYPOINT ["hedgerow-operator"]
