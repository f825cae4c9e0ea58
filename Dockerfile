# The image of prefect.docker.yaml; also a way to run any command: docker run -v treasury-watch:/data treasury-watch status
FROM python:3.11-slim

RUN useradd --create-home --uid 10001 watch && mkdir /data && chown watch /data
WORKDIR /opt/treasury-watch
COPY requirements.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY . .
RUN pip install --no-cache-dir --no-deps .

USER watch
WORKDIR /data
ENV TREASURY_WATCH_HOME=/data
VOLUME /data
ENTRYPOINT ["treasury-watch"]
CMD ["status"]
