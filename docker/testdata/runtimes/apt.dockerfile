FROM debian:12-slim
USER root
RUN ["/bin/sh","-ec","mkdir -p '/workspace' /home/user /etc && { echo user:x:1000:1000::/home/user:/bin/sh; grep -v '^user:' /etc/passwd || :; } >/etc/passwd.new && cat /etc/passwd.new >/etc/passwd && rm /etc/passwd.new && { echo user:x:1000:; grep -v '^user:' /etc/group || :; } >/etc/group.new && cat /etc/group.new >/etc/group && rm /etc/group.new && chown 1000:1000 /home/user && chown -Rh 1000:1000 '/workspace'"]
RUN ["/bin/sh","-ec","export DEBIAN_FRONTEND=noninteractive && apt-get update -q -o APT::Update::Error-Mode=any && apt-get install -q -y --no-install-recommends -o Dpkg::Use-Pty=0 -- 'jq' 'g++=4:12.2.0-3' && apt-get clean && rm -rf /var/lib/apt/lists/* && chown -Rh 1000:1000 '/workspace'"]
WORKDIR /workspace
