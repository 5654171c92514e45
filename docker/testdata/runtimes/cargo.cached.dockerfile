FROM rust:1-slim
USER root
RUN ["/bin/sh","-ec","mkdir -p '/src' /home/user /etc && { echo user:x:1000:1000::/home/user:/bin/sh; grep -v '^user:' /etc/passwd || :; } >/etc/passwd.new && cat /etc/passwd.new >/etc/passwd && rm /etc/passwd.new && { echo user:x:1000:; grep -v '^user:' /etc/group || :; } >/etc/group.new && cat /etc/group.new >/etc/group && rm /etc/group.new && chown 1000:1000 /home/user && chown -Rh 1000:1000 '/src'"]
RUN --mount=type=cache,id=hutch-cargo-rust:1-slim-/usr/local/cargo/registry,target=/usr/local/cargo/registry,sharing=locked ["/bin/sh","-ec","cargo install --locked --root /usr/local -- 'ripgrep@^14' && { [ \"${CARGO_HOME:-}\" = /usr/local/cargo ] || rm -rf \"${CARGO_HOME:-$HOME/.cargo}/registry\"; } && chown -Rh 1000:1000 '/src'"]
WORKDIR /src
