package programtest

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// Terminal returns a terminal of that many columns, and a function that closes it
// and returns all that was written to it.
func Terminal(t testing.TB, columns int) (tty *os.File, output func() string) {
	t.Helper()
	tty, output, _ = Console(t, columns)
	return tty, output
}

// Console is a Terminal with a function that types text. The terminal echoes it.
func Console(t testing.TB, columns int) (tty *os.File, output func() string, typed func(text string)) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	control := func(f *os.File, request uintptr, argument unsafe.Pointer) {
		if _, _, err := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(argument)); err != 0 {
			t.Fatal(err)
		}
	}
	var unlock, number int32
	control(master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	control(master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	if tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	size := [4]uint16{24, uint16(columns)}
	control(tty, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	var written Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = master.WriteTo(&written) // it ends with an error, once the terminal is closed
	}()
	output = func() string {
		tty.Close()
		<-done
		return strings.ReplaceAll(written.String(), "\r\n", "\n")
	}
	return tty, output, func(text string) {
		if _, err := master.WriteString(text); err != nil {
			t.Error(err)
		}
	}
}
