# One image for both processes: `node api/main.ts`, and the worker as docker-compose.yml starts it. Node runs the TypeScript as it is.
# The version of Node is the one of package.json, which everything is tested with.
FROM node:26.10.0-bookworm-slim AS build
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
# Without development dependencies: the image's own Node is the one that runs here.
RUN npm ci --omit=dev
COPY contract ./contract
COPY config ./config
COPY storage ./storage
COPY telemetry ./telemetry
COPY manifests ./manifests
COPY activities ./activities
COPY workflows ./workflows
COPY worker ./worker
COPY api ./api
# Spares every start of a worker the bundling of its workflows.
RUN node worker/build-workflows.ts

FROM node:26.10.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app ./
USER node
CMD ["node", "api/main.ts"]
