
# One more stage behind those of ../services/web/Dockerfile, for Tilt: with what builds the page, so that an edit of
# the page is built in the container, owned by the user that runs it, and started again by tilt/restart.ts.
FROM page AS dev
ENV NODE_ENV=production
RUN mv /page services/web/dist && echo "import './services/web/src/main.ts';" > main.ts \
    && chown 1000:1000 . && chown -R 1000:1000 packages services games
USER 1000:1000
EXPOSE 8080 9090
ENTRYPOINT ["node", "tilt/restart.ts"]
