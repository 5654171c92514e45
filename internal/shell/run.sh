# Runs one command and says on standard error how it went, in a line that begins
# with the first argument. The others: the directory, the path, four beginnings
# of programs, the script of the shell between, a tag and five limits, how many
# entries the environment has, these, and the command.
set -f
unset CDPATH ENV BASH_ENV POSIXLY_CORRECT
say() {
	printf '%s %s\n' "$mark" "$*" >&4
	exit 0
}
exec 4>&2 5>&1 6<&0
mark=$1 dir=$2 path=$3 m1=$4 m2=$5 m3=$6 m4=$7
shift 7
between=$1 limits="$2 $3 $4 $5 $6 $7" n=$8
shift 8
cd -P "$dir" 2>/dev/null || say nodir

# The program: found, may be run, and is one.
look() {
	case $1 in
	*/*) found=$1 ;;
	*)
		found= first=
		IFS=:
		for d in $path; do
			p=${d:-.}/$1
			[ -f "$p" ] || continue
			[ -x "$p" ] && found=$p && break
			first=${first:-$p}
		done
		IFS=' 	
'
		found=${found:-$first}
		;;
	esac
	[ -e "$found" ] || say nofile
	[ -f "$found" ] && [ -x "$found" ] || say noexec
	[ -r "$found" ] || return
	read -r head <"$found" || [ "$head" ] || say noexec
	case $head in
	'#!'*)
		head=${head#??}
		p=
		for p in $head; do break; done
		[ -e "$p" ] || say nofile
		;;
	"$m1"* | "$m2"* | "$m3"* | "$m4"*) ;;
	*) say noexec ;;
	esac
} 2>/dev/null

eval "program=\${$((n + 1))}"
look "$program"
case $program in *=*) direct= ;; *) direct=1 ;; esac
session=
command -v setsid >/dev/null && session=setsid

# A shell of its own between, because only one that is no subshell, and that
# reads its script, says when a signal ended its child. What it says is all that
# it prints but the status.
said=$(printf '%s\n' "$between" | sh -s "$session" "$direct" $limits $n "$@" 2>&1)
code=${said#*%}
code=${code%%%*}
case $said in
nolimit%1%) say nolimit ;;
"%$code%") ;;
*%*%*) say end "$code" signal ;;
*) say fail ;;
esac
case $code$BASH_VERSION in
130* | 141* | 143?*) say end "$code" signal ;;
*) say end "$code" ;;
esac
