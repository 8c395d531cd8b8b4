# The service only: no TensorFlow, no DVC, no git, nothing that trains. What it serves is in the folder `served`, with the
# version and the commit of every model. Write it first, or mount another such folder at /app/served.
#   python -m trueline export racing-model#prod props-model#prod events-model#prod
#   docker build --tag trueline .                                            all tasks
#   docker build --tag trueline-events --build-arg RUNTIME=events .          events only, much smaller
FROM python:3.11-slim AS environment
ARG RUNTIME=all
COPY trueline/service/runtime/${RUNTIME}.lock /tmp/runtime.lock
RUN python -m venv /venv \
 && /venv/bin/pip install --quiet --no-cache-dir --no-compile --no-deps --require-hashes --requirement /tmp/runtime.lock \
 && /venv/bin/pip uninstall --quiet --yes pip setuptools

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 trueline && install --directory --owner trueline /app/predictions
WORKDIR /app
COPY --from=environment /venv /venv
COPY trueline/core trueline/core
COPY trueline/service trueline/service
COPY trueline/__init__.py trueline/__main__.py trueline/
COPY stages stages
COPY pyproject.toml ./
COPY served served
USER trueline
VOLUME /app/predictions
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
# Loopback would be the container's own. Whoever publishes the port sets TRUELINE_TOKEN; without it nothing starts.
ENTRYPOINT ["python", "-m", "trueline", "serve", "--host", "0.0.0.0", "--exported", "served"]
