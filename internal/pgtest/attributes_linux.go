package pgtest

import "syscall"

// attributes end a process at once when its parent dies, however that happens.
func attributes(who *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGQUIT}
}
