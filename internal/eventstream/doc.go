// Package eventstream is what a coordinator's change stream is made of: the events, and a
// reader of server-sent events that connects again for as long as it is wanted. It knows
// neither the coordinator nor the mount, and imports nothing of this module.
package eventstream
