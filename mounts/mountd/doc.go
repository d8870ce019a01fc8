// Package mountd is the process behind one mount: it reads what to serve from a
// pipe, checks it, mounts, answers on a unix socket, and drains when it is told to stop.
// It imports mounts (for the protocol), never backend or the user interface.
package mountd
