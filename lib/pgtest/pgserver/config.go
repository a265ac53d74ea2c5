package pgserver

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Config describes a server. The zero value is a server for tests: temporary,
// on a free port, quick and not durable.
type Config struct {
	// BinDir is the directory of the binaries postgres and initdb.
	// Defaults to what Find returns.
	BinDir string

	// Dir keeps the data, the password and the log (postgres.log) of the
	// server. It is made if needed, and a server that was stopped in it is
	// started again with its data. When the caller is root, Dir is given to
	// the user that runs the server, who must be able to enter the directories
	// above it.
	// Defaults to a temporary directory that ends with the server.
	Dir string

	// Port is the TCP port on 127.0.0.1.
	// Defaults to a free one.
	Port int

	// Durable makes committed data survive a crash of the machine.
	// Defaults to false: fsync and full_page_writes are off. Committed data
	// survives Kill either way, as synchronous_commit stays on.
	Durable bool

	// Settings are further server settings (PostgreSQL manual, chapter
	// "Server Configuration") and win over those that this package makes.
	// Defaults to none.
	Settings map[string]string
}

// reserved names the settings that decide where the server is found. Start
// would lose sight of a server that changed them.
var reserved = []string{"data_directory", "external_pid_file", "listen_addresses", "logging_collector", "port",
	"unix_socket_directories"}

func (c Config) validate() error {
	var faults []error
	if c.Port < 0 || c.Port > 65535 {
		faults = append(faults, fmt.Errorf("port %d is outside 0..65535", c.Port))
	}
	if c.BinDir != "" {
		if err := checkBinDir(c.BinDir); err != nil {
			faults = append(faults, fmt.Errorf("binaries: %w", err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		if name == "" || slices.Contains(reserved, name) {
			faults = append(faults, fmt.Errorf("setting %q cannot be set", name))
		}
	}
	return errors.Join(faults...)
}

// arguments returns the command line that tells postgres its settings.
func (c Config) arguments(dataDir string, port int) []string {
	settings := map[string]string{
		"log_timezone": "UTC",
		"timezone":     "UTC",
		// Test binaries that run side by side share one server.
		"max_connections": "200",
	}
	if !c.Durable {
		settings["fsync"] = "off"
		settings["full_page_writes"] = "off"
	}
	maps.Copy(settings, c.Settings)
	settings["listen_addresses"] = "127.0.0.1"
	settings["port"] = fmt.Sprint(port)
	settings["unix_socket_directories"] = ""

	args := []string{"-D", dataDir}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}
