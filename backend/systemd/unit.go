// Package systemd writes units for mounts and servers and tells the service manager of them
// (SPEC C17). It knows systemd's syntax and nothing of workspaces; it imports internal/ alone.
package systemd

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Service is a user service that runs one command and tells when it is ready.
type Service struct {
	Name        string   // of the unit, with its suffix
	Description string   // one line
	Command     []string // its program first, by absolute path
	Environment []string // NAME=value; nothing secret
	Final       []int    // exit codes after which it is not started again
}

// Text is the unit file: systemd.unit(5), systemd.service(5). What a line of such a file
// cannot hold is refused.
func (s Service) Text() (string, error) {
	if err := lineable(append(append([]string{s.Description}, s.Command...), s.Environment...)); err != nil {
		return "", err
	}
	var u unit
	u.line("# Written by `mount enable`; `mount disable` removes it.")
	u.line("[Unit]")
	u.line("Description=%s", literal(s.Description))
	u.line("# A session's manager may have no such target. The restarts below wait for the network then.")
	u.line("After=network-online.target")
	u.line("StartLimitIntervalSec=0")
	u.line("")
	u.line("[Service]")
	u.line("Type=notify")
	for _, e := range s.Environment {
		u.line("Environment=%s", quoted(e))
	}
	u.line("ExecStart=:%s", command(s.Command)) // the colon keeps dollar signs as they are
	u.line("Restart=on-failure")
	u.line("RestartSec=10")
	if len(s.Final) > 0 {
		u.line("RestartPreventExitStatus=%s", strings.Trim(fmt.Sprint(s.Final), "[]"))
	}
	u.line("# The rest of the group, such as a coordinator that it started, serves others too.")
	u.line("KillMode=process")
	u.line("TimeoutStartSec=2min")
	u.line("# What is not uploaded by then stays on this machine, and goes up with the next start.")
	u.line("TimeoutStopSec=5min")
	u.line("")
	u.line("[Install]")
	u.line("WantedBy=%s", s.target())
	return u.String(), nil
}

func (s Service) file() string   { return s.Name }
func (s Service) target() string { return sessionTarget }

// unit is a unit file that is being written.
type unit struct{ strings.Builder }

func (u *unit) line(format string, args ...any) { fmt.Fprintf(u, format+"\n", args...) }

// lineable refuses what a line of a unit file cannot hold.
func lineable(words []string) error {
	for _, text := range words {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return fault.New(fault.Usage, "choose a path without line breaks and the like", "%q cannot be in a unit file", text)
		}
	}
	return nil
}

// command is an ExecStart line. The program's own name must not hold quotes or backslashes.
func command(words []string) string {
	if strings.ContainsAny(words[0], `"'\`) {
		words = append([]string{"/usr/bin/env", "--"}, words...)
	}
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = quoted(w)
	}
	return strings.Join(out, " ")
}

// quoted is one word as systemd.syntax(7) has it.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(text) + `"`
}

// literal is text without specifiers.
func literal(text string) string { return strings.ReplaceAll(text, "%", "%%") }
