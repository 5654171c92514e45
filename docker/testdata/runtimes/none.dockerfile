FROM debian:12-slim
USER root
RUN ["/bin/sh","-ec","mkdir -p '/workspace' /home/user /etc && { echo user:x:1000:1000::/home/user:/bin/sh; grep -v '^user:' /etc/passwd || :; } >/etc/passwd.new && cat /etc/passwd.new >/etc/passwd && rm /etc/passwd.new && { echo user:x:1000:; grep -v '^user:' /etc/group || :; } >/etc/group.new && cat /etc/group.new >/etc/group && rm /etc/group.new && chown 1000:1000 /home/user && chown -Rh 1000:1000 '/workspace'"]
RUN ["/bin/sh","-c","echo \"$HOME\" 'a' \\"]
RUN ["/bin/sh","-ec","chown -Rh 1000:1000 '/workspace'"]
WORKDIR /workspace
