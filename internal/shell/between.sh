(
	session=$1 direct=$2
	{ ulimit -m $3 && { [ $4 = 0 ] || ulimit -t $4; } && { [ $5 = 0 ] || ulimit -d $5; } &&
		{ [ $6 = 0 ] || ulimit -u $6 || ulimit -p $6; } && { [ $7 = 0 ] || ulimit -f $7; } &&
		{ [ $8 = 0 ] || ulimit -n $8; }; } 2>/dev/null || { printf nolimit && exit 1; }
	n=$9
	shift 9
	if [ -z "$direct" ]; then # env would take the program for a variable
		i=0
		for a; do
			[ $i != $n ] || set -- "$@" sh -c 'exec "$@"' sh
			set -- "$@" "$a"
			shift
			i=$((i + 1))
		done
	fi
	exec 0<&6 1>&5 2>&4 4>&- 5>&- 6<&-
	exec $session env -i -- "$@"
)
printf '%%%s%%' $?
