# The staging directory and the lock in it.

# stage: makes the staging directory, and this shell one of those that use it.
stage() {
	[ "$staged" ] && [ -e "$st/s.$sid" ] && return 0
	e=$(mkdir -m 700 "$st" 2>&1) || [ -d "$st" ] || { why "$e"; return 1; }
	[ ! -L "$st" ] || { r=denied; return 1; }
	printf '%s\n' "$me" >>"$st/s.$sid" || {
		e=$(mkdir "$st/s.$sid.dir" 2>&1) && rmdir "$st/s.$sid.dir"
		why "$e"
		return 1
	}
	staged=1
}

# lock: takes the one lock of changes, or finds that this shell holds it still; r
# is busy while somebody else does, who is told that it is wanted. It is a file
# that says who. No program is needed for it.
lock() {
	r=busy h=
	[ "$held" ] && read -r h <"$st/lock" && [ "$h" = "$me" ] && return 0
	held= h=
	set -C
	if command exec 7>"$st/lock"; then
		set +C
		printf '%s\n' "$me" >&7 && exec 7>&- && held=1 && return 0
		exec 7>&-
		rm -f "$st/lock"
		r=full
		return 1
	fi
	set +C
	if read -r h <"$st/lock"; then
		if alive "${h%% *}" "${h#* }"; then : >"$st/want"; else unstale "$h"; fi
	elif [ -e "$st/lock" ]; then # he is about to say who he is, or died before
		old "$st/lock" && unstale "$h"
	elif [ -d "$st" ]; then # he has let go, or there is no place for a lock
		e=$(mkdir "$st/try.$$" 2>&1) && rmdir "$st/try.$$" || why "$e"
	else
		staged=
	fi
	return 1
}

# unlock: lets go of the lock if others want it; who is then yield.
unlock() {
	[ -e "$st/want" ] || return 0
	[ "$who" ] || who=yield
	release
}

release() {
	[ "$held" ] || return 0
	held= h=
	read -r h <"$st/lock" && [ "$h" = "$me" ] && rm -f "$st/lock" "$st/want"
}

h_release() {
	release
	r=ok
}

# old FILE: whether that is some seconds old.
old() {
	a=$(stat -c %Y "$1") && [ $(($(date +%s) - a)) -gt 5 ]
}

# unstale HOLDER: takes the lock away from one that is gone; one at a time, so
# that nobody takes it from who came next.
unstale() {
	if mkdir "$st/unlock"; then
		h=
		read -r h <"$st/lock"
		[ "$h" = "$1" ] && rm -f "$st/lock"
	else
		old "$st/unlock" || return
	fi
	rmdir "$st/unlock"
}
