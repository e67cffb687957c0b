#!/bin/sh
# Boots a machine in namespaces: machine.sh keep INIT [PATH THERE=PATH HERE…]
# To be called in a mount namespace of its own. Writes the number of the machine's first process, as it is seen from
# here, and ends the machine when its standard input ends: with the tests, however these end.
set -eu
step=$1
shift

case $step in
keep)
  mount --make-rprivate /
  mount -t tmpfs none /run
  mkdir /run/changed /run/work /run/root /run/groups
  # systemd makes control groups, which do not end with the namespaces: all of them are in one that is removed.
  mount -t cgroup2 none /run/groups
  group=/run/groups/hamlet-$$
  mkdir "$group"
  exec 3<&0
  unshare --pid --fork --kill-child --mount --uts --ipc --net sh "$0" enter "$group" "$@" &
  machine=$!
  # Nobody may be there any more who reads what is written from here on.
  exec >/dev/null 2>&1
  {
    cat <&3
    kill -KILL "$machine"
  } &
  wait "$machine" || true
  kill "$!" || true
  # The kernel takes a moment to end what was in them.
  until find "$group" -depth -type d -exec rmdir {} +; do sleep 0.02; done
  ;;

enter)
  echo 0 >"$1/cgroup.procs"
  shift
  # From here on that group is the outermost one that is seen.
  exec unshare --cgroup sh "$0" boot "$@"
  ;;

# As in a container, what can only be changed for the whole kernel is read-only or takes a capability that is not there.
boot)
  init=$1
  shift
  # That of the outer namespace is still mounted, and has its number for this process.
  read -r pid rest </proc/self/stat
  root=/run/root
  mount -t overlay none -o lowerdir=/,upperdir=/run/changed,workdir=/run/work $root
  mount -t proc none $root/proc
  mount --bind $root/proc/sys $root/proc/sys
  mount -o remount,bind,ro $root/proc/sys
  mount -t sysfs -o ro none $root/sys
  mount -t cgroup2 none $root/sys/fs/cgroup
  mount -t tmpfs -o mode=755 none $root/dev
  for name in null zero full random urandom tty; do cp -a /dev/$name $root/dev; done
  ln -s pts/ptmx $root/dev/ptmx
  mount -t tmpfs -o mode=755 none $root/run
  for name in tmp var/tmp; do mount -t tmpfs -o mode=1777 none $root/$name; done
  # None of this machine's own services, disks and nodes.
  rm -rf $root/etc/systemd/system $root/etc/rc?.d $root/etc/fstab $root/etc/hamlet $root/var/lib/hamlet
  mkdir $root/etc/systemd/system
  ip link set lo up
  for given; do
    there=$root${given%%=*}
    here=${given#*=}
    mkdir -p "${there%/*}"
    if [ -d "$here" ]; then mkdir "$there"; else : >"$there"; fi
    mount --bind "$here" "$there"
    mount -o remount,bind,ro "$there"
  done
  cd $root
  pivot_root . .
  umount --lazy .
  echo "$pid"
  exec >/dev/null 2>&1 </dev/null
  exec setpriv --bounding-set=-sys_module,-sys_rawio,-sys_time,-syslog,-audit_control \
    env -i container=hamlet "$init" --unit=basic.target --log-target=journal
  ;;
esac
