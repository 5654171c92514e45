FROM node:20-slim
USER root
ENV PATH="${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}:/app/node_modules/.bin"
RUN ["/bin/sh","-ec","mkdir -p '/app' /home/user /etc && { echo user:x:1000:1000::/home/user:/bin/sh; grep -v '^user:' /etc/passwd || :; } >/etc/passwd.new && cat /etc/passwd.new >/etc/passwd && rm /etc/passwd.new && { echo user:x:1000:; grep -v '^user:' /etc/group || :; } >/etc/group.new && cat /etc/group.new >/etc/group && rm /etc/group.new && chown 1000:1000 /home/user && chown -Rh 1000:1000 '/app'"]
RUN ["/bin/sh","-ec","npm_config_cache=/var/cache/hutch/npm npm install --prefix '/app' --no-audit --no-fund --no-update-notifier -- '@types/react' 'a@>=1 <2' && rm -rf /var/cache/hutch/npm && chown -Rh 1000:1000 '/app'"]
WORKDIR /app
