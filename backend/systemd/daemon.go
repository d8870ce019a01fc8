package systemd

// Daemon is a service that runs one server, shut in as far as its manager can do that.
type Daemon struct {
	Name        string   // of the unit, with its suffix
	Description string   // one line
	By          string   // the command that writes the unit and removes it, for a comment
	Command     []string // its program first, by absolute path
	Environment []string // NAME=value; nothing secret

	System bool // a unit of the machine; else of a user's session
	// The rest is for a unit of the machine. A session's manager may not change what a
	// process sees of the machine, and leaves those lines out.
	User      string   // runs it; empty: root, without its powers
	State     string   // a folder under /var/lib that is made for it
	Writable  []string // absolute paths besides State; they exist
	HomesSeen bool     // it reads something below /home, /root or /run/user
	TmpSeen   bool     // its program or what it reads is below /tmp or /var/tmp
	LowPort   bool     // it listens on a port below 1024
}

// Text is the unit file: systemd.service(5), systemd.exec(5).
func (d Daemon) Text() (string, error) {
	words := append(append([]string{d.Description, d.By, d.User, d.State}, d.Command...), d.Environment...)
	if err := lineable(append(words, d.Writable...)); err != nil {
		return "", err
	}
	var u unit
	u.line("# Written by `%s install`; `%s uninstall` removes it.", d.By, d.By)
	u.line("[Unit]")
	u.line("Description=%s", literal(d.Description))
	u.line("Wants=network-online.target")
	u.line("After=network-online.target")
	u.line("# An interface of a mesh may come up late: it is tried until there is one.")
	u.line("StartLimitIntervalSec=0")
	u.line("")
	u.line("[Service]")
	u.line("Type=notify")
	for _, e := range d.Environment {
		u.line("Environment=%s", quoted(e))
	}
	u.line("ExecStart=:%s", command(d.Command))
	u.line("ExecReload=/bin/kill -HUP $MAINPID")
	u.line("Restart=on-failure")
	u.line("RestartSec=5")
	u.line("UMask=0077")
	u.line("LimitNOFILE=65536")
	if d.System {
		d.shutIn(&u)
	}
	u.line("NoNewPrivileges=yes")
	u.line("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK")
	u.line("RestrictNamespaces=yes")
	u.line("RestrictRealtime=yes")
	u.line("RestrictSUIDSGID=yes")
	u.line("LockPersonality=yes")
	u.line("MemoryDenyWriteExecute=yes")
	u.line("SystemCallArchitectures=native")
	u.line("SystemCallFilter=@system-service")
	u.line("SystemCallFilter=~@privileged @resources")
	u.line("SystemCallErrorNumber=EPERM")
	u.line("")
	u.line("[Install]")
	u.line("WantedBy=%s", d.target())
	return u.String(), nil
}

// shutIn are the lines that only the machine's manager follows.
func (d Daemon) shutIn(u *unit) {
	if d.User != "" {
		u.line("User=%s", literal(d.User))
	}
	if d.State != "" {
		u.line("StateDirectory=%s", literal(d.State))
		u.line("StateDirectoryMode=0700")
	}
	u.line("ProtectSystem=strict")
	for _, path := range d.Writable {
		u.line("ReadWritePaths=%s", quoted(path))
	}
	if d.HomesSeen {
		u.line("ProtectHome=read-only")
	} else {
		u.line("ProtectHome=yes")
	}
	if !d.TmpSeen {
		u.line("PrivateTmp=yes")
	}
	if d.LowPort {
		u.line("CapabilityBoundingSet=CAP_NET_BIND_SERVICE")
		u.line("AmbientCapabilities=CAP_NET_BIND_SERVICE")
	} else {
		u.line("CapabilityBoundingSet=")
		u.line("AmbientCapabilities=")
	}
	for _, name := range []string{
		"PrivateDevices", "ProtectClock", "ProtectControlGroups", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules",
		"ProtectKernelTunables", "RemoveIPC",
	} {
		u.line("%s=yes", name)
	}
	u.line("DevicePolicy=closed")
	u.line("ProtectProc=invisible")
	u.line("KeyringMode=private")
}

func (d Daemon) file() string { return d.Name }

func (d Daemon) target() string {
	if d.System {
		return machineTarget
	}
	return sessionTarget
}
