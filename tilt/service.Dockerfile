
# One more stage behind those of ../Dockerfile, for Tilt: the same files, owned by the user that runs them, so that
# edits can be copied in, and tilt/restart.ts as the first process, which starts the service again after an edit. All
# games of the checkout are there, also those that the simulation does not name.
FROM node:24-bookworm-slim AS dev
ENV NODE_ENV=production
WORKDIR /app
RUN chown 1000:1000 /app
COPY --from=install --chown=1000:1000 /out ./
COPY --from=sources --chown=1000:1000 /src/games games
COPY --from=sources /src/tilt/restart.ts tilt/restart.ts
USER 1000:1000
EXPOSE 8081 9090
ENTRYPOINT ["node", "tilt/restart.ts"]
