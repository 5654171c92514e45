# The functions of a shell that serves. root, sid (the session) and lim (bytes of
# a small file) are set before. Each function leaves one word in r, and perhaps
# more in who; h_end prints them.
set -f
umask 022
unset CDPATH ENV BASH_ENV POSIXLY_CORRECT
LC_ALL=C TZ=UTC0
export LC_ALL TZ
exec 2>/dev/null
rp=${root%/}/
st=${rp}.hutch-tmp
nl='
' tab='	'
form='//:%f %s %i %Y %y %Z %z %n'
me= staged= held= straight= k=0 r=fail who=

h_end() {
	printf '\n//:%s %s %s\n' "$1" "$r" "$who"
	r=fail who=
}

# began PID: when a process was started, in t, its state, in s, and the soft
# limit of its resident memory, in m. Its name, in the first of the fields, may
# hold anything.
began() {
	t= s= m=
	case $1 in *[!0-9]* | '') return 1 ;; esac
	while read -r line; do fields=$line; done <"/proc/$1/stat" || return 1
	set -- ${fields##*)}
	s=$1 t=${20} m=${23}
}

# alive PID START: whether that process is still there.
alive() {
	began "$1" && [ "$t" = "$2" ] || return 1
	case $s in Z | X) return 1 ;; esac
}

# why TEXT: what the last words of a program's error text mean.
why() {
	case ${1##*: } in
	'No such file or directory' | 'no such file' | 'nonexistent directory') r=noent ;;
	'Permission denied' | 'Operation not permitted' | 'Read-only file system' | *busy) r=denied ;;
	'No space left on device' | *'uota exceeded' | 'File too large') r=full ;;
	'File name too long' | 'Filename too long' | 'Invalid argument' | 'Too many levels of symbolic links') r=invalid ;;
	'Not a directory') r=notdir ;;
	'Is a directory' | 'Directory not empty') r=isdir ;;
	'File exists') r=exist ;;
	*)
		r=fail who=${1##*: }
		case $who in *[!A-Za-z\ ]*) who= ;; esac
		;;
	esac
}

# h_straight FUNCTION ARGUMENTS: the same through no link.
h_straight() {
	straight=1 turn=0 function=$1
	shift
	"h_$function" "$@"
	straight=
}

# here: whether the kernel says that this is the directory at. It is asked once
# the directory is entered, so no link that was there before can hide from it.
here() {
	[ "$straight" ] && [ "$at" ] || return 0
	o=$(readlink /proc/self/cwd && echo .)
	[ "${o%"$nl".}" = "$rp$at" ]
}

# again FUNCTION ARGUMENTS: begins anew where something was exchanged meanwhile.
again() {
	turn=$((turn + 1))
	[ $turn -le 40 ] || { r=link rest=; return 1; }
	"$@"
}

# go NAME FINAL: into the directory of NAME, which is then called at; last is the
# part that is left, "." for the directory itself. With FINAL a link at the end
# is followed. Where a parent is missing r is noent and rest what is left; lack is
# that also where it is no directory.
go() {
	if way "$1" "$2"; then
		here || again go "$1" "$2"
		return
	fi
	[ -z "$rest" ] || here || { again go "$1" "$2"; return; }
	return 1
}

way() {
	r= at= rest= lack= todo=$1 links=0 stay=0
	cd "$root" || { r=gone; return 1; }
	while :; do
		more=
		case $todo in
		*/*) seg=${todo%%/*} todo=${todo#*/} more=1 ;;
		*) seg=$todo todo= ;;
		esac
		case $seg in
		'' | .)
			[ "$more" ] && continue
			last=.
			return 0
			;;
		..)
			[ -n "$at" ] || { r=escape; return 1; }
			cd -P .. || { r=denied; return 1; }
			case $at in */*) at=${at%/*} ;; *) at= ;; esac
			[ "$more" ] && continue
			last=.
			return 0
			;;
		.hutch-tmp) [ -n "$at" ] || { r=hidden lack=$seg/$todo; return 1; } ;;
		esac
		if [ -L "./$seg" ]; then
			[ "$more$2" ] || { last=$seg; return 0; }
			[ -z "$straight" ] || { r=link; return 1; }
			through || return 1
		elif [ -z "$more" ]; then
			last=$seg
			return 0
		elif [ -d "./$seg" ]; then
			cd -P "./$seg" || { r=denied; return 1; }
			at=${at:+$at/}$seg
		elif [ -e "./$seg" ]; then
			case $(stat -c %F "./$seg") in
			directory | 'symbolic link' | '') # only now, or no more
				stay=$((stay + 1)) todo=$seg/$todo
				[ $stay -gt 40 ] || continue
				;;
			esac
			r=notdir lack=$seg/$todo
			return 1
		else
			r=noent rest=$seg/$todo lack=$seg/$todo
			return 1
		fi
	done
}

# through: what is left to go where ./$seg is a link.
through() {
	links=$((links + 1))
	[ $links -le 40 ] || { r=loop; return 1; }
	to=$(readlink "./$seg" && echo .) || { r=noent; return 1; }
	to=${to%"$nl".}
	case $to in
	"$root" | "$rp"*)
		to=${to#"$root"} at=
		cd "$root" || { r=gone; return 1; }
		to=./${to#/}
		;;
	/*) r=escape; return 1 ;;
	esac
	todo=$to${more:+/$todo}
}

# fields of a line of form: the revision, the time, size and type of a file.
fields() {
	rev=$3-$2-$4.${6#*.}-$8.${10#*.} mt=$4.${6#*.} size=$2 ty=${1#//:}
}

h_stat() {
	go "$1" final || return
	stat -c "$form" "./$last" && r=ok && return
	r=denied
	[ -e "./$last" ] || r=noent
}

h_list() {
	go "$1" final || return
	if [ "$last" != . ]; then
		[ -d "./$last" ] || { r=noent; [ -e "./$last" ] && r=notdir; return; }
		cd -P "./$last" || { r=denied; return; }
		at=${at:+$at/}$last
		here || { again h_list "$1"; return; }
	fi
	[ -r . ] || { r=denied; return; }
	set +f
	set -- ./* ./.[!.]* ./..?*
	set -f
	if [ $# -le 100 ]; then
		stat -c "$form" "$@"
	else
		printf '%s\0' "$@" | xargs -0 stat -c "$form"
	fi
	r=ok
	[ "$at" ] || who=root
}

# text: what is open as 9, if that is plain text, in lines after a dot, the last one
# after a comma if it has no end. It uses no program; a NUL byte may be missing.
text() {
	t=
	while IFS= read -r x; do t="$t.$x$nl"; done </proc/self/fd/9
	[ -z "$x" ] || t="$t,$x$nl"
	case $t in *[!\ -~"$nl$tab"]*) return 1 ;; esac
	printf %s "$t"
}

# itself: whether the kernel says that what is open as 9 is the last of at.
itself() {
	[ "$straight" ] || return 0
	o=$(readlink /proc/self/fd/9 && echo .)
	[ "${o%"$nl".}" = "$rp${at:+$at/}$last" ]
}

# h_real NAME: where it leads. who is why not all of that can be there.
h_real() {
	go "$1" final
	case $r in
	'') lack=$last ;;
	*) [ "$lack" ] || return ;;
	esac
	printf %s "${at:+$at/}$lack"
	who=$r r=ok
}

# h_open NAME KNOWN: a small file whole, between two looks at it; a larger one
# stays open as 9. Who has had a look before, and says so with KNOWN, gets the
# second one alone.
h_open() {
	go "$1" final || return
	if [ -d "./$last" ]; then r=isdir
	elif [ ! -e "./$last" ]; then r=noent
	elif [ ! -f "./$last" ]; then r=irregular; fi
	[ -z "$r" ] || return
	r=denied
	command exec 9<"./$last" || { [ -e "./$last" ] || r=noent; return; }
	itself || { exec 9<&-; again h_open "$@"; return; }
	r=fail
	if [ "$2" ]; then
		size=${2#*-}
		{ [ "${size%%-*}" -le 1024 ] && text || base64 <&9; } && stat -L -c "$form" /proc/self/fd/9 && r=ok
	elif o=$(stat -L -c "$form" /proc/self/fd/9); then
		printf '%s\n' "$o"
		fields $o
		[ "$size" -le $lim ] || { r=large; return; }
		base64 <&9 && stat -L -c "$form" /proc/self/fd/9 && r=ok
	fi
	exec 9<&-
}

# h_read: the next MiB of the open file, and a look at it afterwards.
h_read() {
	dd bs=65536 count=16 <&9 | base64 && stat -L -c "$form" /proc/self/fd/9 && r=ok
}

h_shut() {
	exec 9<&-
	r=ok
}
