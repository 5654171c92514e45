# What changes files. tmp is a file in the staging directory.

# commit NAME IFREV MODE SIZE: gives tmp its name. Others may remove the parents
# meanwhile.
commit() {
	tries=0
	while :; do
		rest=
		go "$1" final || [ "$rest" ] || { [ "$r" = hidden ] && r=reserved; return 1; }
		judge "$2" "$4" && parents && prepare "$3" && name "$2" && return 0
		[ "$r" = noent ] && [ $tries -lt 100 ] || return 1
		tries=$((tries + 1))
	done
}

# judge IFREV SIZE: whether tmp is whole and what is there may be replaced; old is
# the type and mode of that. One look at both.
judge() {
	old= r=
	if [ "$rest" ]; then :
	elif [ "$last" = . ] || [ -d "./$last" ]; then r=isdir
	elif [ -f "./$last" ]; then old=1
	elif [ -e "./$last" ] || [ -L "./$last" ]; then r=irregular; fi
	[ -z "$r" ] || return 1
	both=$(stat -c "$form" "$tmp" ${old:+"./$last"})
	old=${both#*"$nl"}
	if [ "$old" = "$both" ]; then old=; else fields $old && old=$ty; fi
	case $1 in
	'') ;;
	absent) [ -z "$old" ] || { r=present; return 1; } ;;
	*) [ "$old" ] && [ "$rev" = "$1" ] || { r=conflict; return 1; } ;;
	esac
	fields ${both%%"$nl"*}
	[ "$size" = "$2" ] || { r=cut; return 1; }
}

# parents: makes what go found missing.
parents() {
	[ "$rest" ] || return 0
	case /$rest/ in *//* | */./* | */../*) r=invalid; return 1 ;; esac
	while :; do
		case $rest in */*) ;; *) break ;; esac
		seg=${rest%%/*} rest=${rest#*/}
		e=$(mkdir "./$seg" 2>&1) || [ -d "./$seg" ] || {
			why "$e"
			[ "$r" != exist ] || r=notdir
			return 1
		}
		cd -P "./$seg" || { r=noent; return 1; }
		at=${at:+$at/}$seg
		here || { r=noent; return 1; }
	done
	last=$rest rest=
}

# prepare MODE: tmp gets its mode and a time that no file written here has had:
# who wrote before has left his in stamp.
prepare() {
	p=$((0644))
	[ -z "$old" ] || p=$((0x$old & 0777))
	[ -z "$1" ] || p=$((0$1))
	while :; do
		stamp=
		read -r stamp <"$st/stamp"
		[ "$mt" = "$stamp" ] || break
		r=cut
		touch "$tmp" && o=$(stat -c "$form" "$tmp") && fields $o || return 1
	done
	r=denied
	[ $((0x$ty & 0777)) = $p ] || chmod $((p / 64))$((p / 8 % 8))$((p % 8)) "$tmp" || return 1
	printf '%s\n' "$mt" >"$st/stamp"
	r=
}

# name IFREV: the step itself.
name() {
	placed=
	if [ "$1" = absent ]; then
		e=$(ln -n "$tmp" "./$last" 2>&1) && placed=1 && rm -f "$tmp"
		case ${e##*: } in 'File exists') r=present; return 1 ;; esac
	fi
	[ "$placed" ] || e=$(mv -f -T "$tmp" "./$last" 2>&1) || { why "$e"; return 1; }
	stat -c "$form" "./$last"
	r=ok
}

# fresh: tmp is a name that nobody else uses.
fresh() {
	stage || return 1
	k=$((k + 1)) tmp=$st/w.$sid.$$.$k
}

# finish: lets go of tmp if that has got no name, and perhaps of the lock.
finish() {
	[ "$r" = ok ] || rm -f "$tmp"
	unlock
}

# h_write NAME IFREV MODE SIZE FORM CONTENT: the content as it is, or in base64.
h_write() {
	case $2 in
	absent) # most that lose need no lock to know it
		go "$1" final && [ -f "./$last" ] && r=present && return
		r=fail
		;;
	esac
	fresh || return
	fill "$5" "$6" || e=$(fill "$5" "$6" 2>&1) || {
		why "$e"
		rm -f "$tmp"
		return
	}
	lock || { rm -f "$tmp"; return; }
	commit "$1" "$2" "$3" "$4"
	finish
}

fill() {
	case $1 in
	text) printf %s "$2" >"$tmp" ;;
	*) printf %s "$2" | base64 -d >"$tmp" ;;
	esac
}

# h_stage: a file for h_commit NAME IFREV MODE SIZE FILE, or for h_drop FILE.
h_stage() {
	fresh || return
	who=${tmp##*/} r=ok
	: >"$tmp" || { r=full who=; return; }
}

h_commit() {
	tmp=$st/$5
	lock || return
	commit "$1" "$2" "$3" "$4"
	finish
}

h_drop() {
	rm -f "$st/$1" && r=ok
}

# h_remove does without the lock where that cannot be made: on a full disk.
h_remove() {
	stage && lock || [ "$r" != busy ] || return
	if ! go "$1" ''; then [ "$r" = hidden ] && r=reserved
	elif [ ! -L "./$last" ] && [ -d "./$last" ]; then
		e=$(rmdir "./$last" 2>&1) && r=ok || why "$e"
	elif [ -L "./$last" ] || [ -e "./$last" ]; then
		e=$(rm -f "./$last" 2>&1) && r=ok || why "$e"
	else
		r=noent
	fi
	unlock
}

h_rename() {
	stage && lock || return
	rename "$1" "$2" && r=ok who=
	exec 8<&-
	unlock
}

# rename FROM TO: who says which of the two is to blame.
rename() {
	who=from
	go "$1" '' || { [ "$r" = hidden ] && r=reserved; return 1; }
	r=noent dir=
	[ -e "./$last" ] || [ -L "./$last" ] || return 1
	[ "$1" != "$2" ] || return 0
	[ -L "./$last" ] || [ ! -d "./$last" ] || dir=1
	from=${at:+$at/}$last who=to rest=
	source=$rp$from
	if [ "$straight" ]; then # from the directory that is entered, whatever its name leads to by now
		command exec 8<. || { r=denied; return 1; }
		source=/proc/self/fd/8/$last
	fi
	go "$2" '' || [ "$rest" ] || { [ "$r" = hidden ] && r=reserved; return 1; }
	r= to=${at:+$at/}${rest:-$last}
	case $to in
	"$from") return 0 ;;
	"$from"/*) r=notdir; [ -z "$dir" ] || r=itself; return 1 ;;
	esac
	[ "$rest" ] || if [ "$dir" ]; then
		[ ! -e "./$last" ] && [ ! -L "./$last" ] || { r=exist; return 1; }
	else
		[ ! -d "./$last" ] || [ -L "./$last" ] || { r=isdir; return 1; }
	fi
	parents || return 1
	e=$(mv -f -T "$source" "./$last" 2>&1) || { why "$e"; who=to; return 1; }
}

# h_leave: what the session had staged goes, with the last session all of it.
h_leave() {
	set +f
	rm -f "$st/w.$sid."* "$st/s.$sid"
	set -f
	tidy
	release
	r=ok
}

# tidy: removes the staging directory if no session uses it.
tidy() {
	[ -d "$st" ] && [ ! -L "$st" ] && unused && lock || return
	unused && rm -f "$st/stamp"
	release
	rm -f "$st/want"
	rmdir "$st"
}

unused() {
	set +f
	set -- "$st"/s.*
	set -f
	[ ! -e "$1" ]
}

# sweep: removes what sessions have left of which no shell is there any more.
sweep() {
	[ -d "$st" ] && [ ! -L "$st" ] || return
	set +f
	set -- "$st"/s.*
	set -f
	for f; do
		living=
		while read -r pid began; do
			alive "$pid" "$began" && living=1
		done <"$f"
		[ "$living" ] || {
			set +f
			rm -f "$st/w.${f##*/s.}."* "$f"
			set -f
		}
	done
	tidy
}
