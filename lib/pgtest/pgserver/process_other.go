//go:build !unix

package pgserver

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

type account struct{ name string }

func serverAccount() (*account, error) {
	return nil, fmt.Errorf("running a server on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func (a *account) own(string) error { return nil }

func (a *account) attributes() *syscall.SysProcAttr { return nil }
