# One image for both processes: `node api/main.ts` and `node worker/main.ts`. Node runs the TypeScript as it is.
FROM node:26-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Without development dependencies: the image's own Node is the one that runs here.
RUN npm ci --omit=dev

FROM node:26-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json tsconfig.json ./
COPY contract ./contract
COPY config ./config
COPY storage ./storage
COPY activities ./activities
COPY workflows ./workflows
COPY worker ./worker
COPY api ./api
USER node
CMD ["node", "api/main.ts"]
