FROM python:3.12-slim
USER root
ENV A="back\\slash \"quoted\" \$HOME \${x:-y} 'single' #" B=""
RUN ["/bin/sh","-ec","mkdir -p '/workspace' /home/user /etc && { echo user:x:1000:1000::/home/user:/bin/sh; grep -v '^user:' /etc/passwd || :; } >/etc/passwd.new && cat /etc/passwd.new >/etc/passwd && rm /etc/passwd.new && { echo user:x:1000:; grep -v '^user:' /etc/group || :; } >/etc/group.new && cat /etc/group.new >/etc/group && rm /etc/group.new && chown 1000:1000 /home/user && chown -Rh 1000:1000 '/workspace'"]
RUN ["/bin/sh","-c","echo \"$HOME\" 'a' \\"]
RUN ["/bin/sh","-c","cat <<E"]
RUN ["/bin/sh","-c",": --mount=type=cache,target=/x [ \"a\", \"b\" ]"]
RUN --mount=type=cache,id=hutch-pip-python:3.12-slim-/var/cache/hutch/pip,target=/var/cache/hutch/pip,sharing=locked ["/bin/sh","-ec","PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_CACHE_DIR=/var/cache/hutch/pip pip install -- 'pandas>=2.0' 'a[b] >= 1, <2' && chown -Rh 1000:1000 '/workspace'"]
WORKDIR /workspace
