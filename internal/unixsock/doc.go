// Package unixsock listens and dials on unix sockets whose path may be longer than the
// 108 bytes of sockaddr_un. It imports nothing of this module.
package unixsock
