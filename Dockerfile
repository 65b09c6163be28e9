# Image of one service, from the root of the checkout:
#   docker build --build-arg SERVICE=edge --tag breakwater/edge:0.1.0 .
# The page has a file of its own: services/web/Dockerfile.

FROM node:24-bookworm-slim AS sources
COPY . /src
# Manifests by themselves, so that packages are installed anew only when one of these changes.
RUN cd /src && mkdir /manifests && find . -name 'package*.json' -exec cp --parents {} /manifests \; && cp .npmrc /manifests

FROM node:24-bookworm-slim AS install
WORKDIR /app
COPY --from=sources /manifests ./
ARG SERVICE
RUN test -n "$SERVICE" || { echo 'Say which one: --build-arg SERVICE=edge|chat|simulation|matchmaker' >&2; exit 1; }
RUN npm ci --omit=dev --ignore-scripts --workspace "services/$SERVICE"
COPY --from=sources /src /src
# npm has linked the workspaces that this service needs. Their folders keep their places: Node strips types from
# what a link leads to, not from copies in node_modules.
RUN set -eu; \
    find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete; \
    mkdir /out; cp -a package.json node_modules /out; \
    for link in node_modules/@breakwater/*; do \
      folder=$(realpath --relative-to=/app "$link"); \
      mkdir -p "/out/$folder"; \
      cp -a "/src/$folder/package.json" "/src/$folder/src" "/out/$folder"; \
    done; \
    echo "import './services/$SERVICE/src/main.ts';" > /out/main.ts

FROM node:24-bookworm-slim
ARG SERVICE
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="breakwater-$SERVICE" \
      org.opencontainers.image.description="Breakwater: real-time backend for Kubernetes, service $SERVICE" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/breakwater-io/breakwater"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=install /out ./
USER 1000:1000
# Everything can be loaded, and the defaults are good.
RUN BREAKWATER_DEV=1 node main.ts --check-config
EXPOSE 8081 9090
ENTRYPOINT ["node", "main.ts"]
