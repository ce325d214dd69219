// Command delay stands in a tool's place: it waits, notes that it was called, and becomes the tool.
//
// Beside the program NAME are NAME.delay (a duration), NAME.real (the tool); NAME.calls gains a
// byte with each call, so that the whole delay is known.
package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

func main() {
	own, err := os.Executable()
	check(err)
	text, err := os.ReadFile(own + ".delay")
	check(err)
	delay, err := time.ParseDuration(strings.TrimSpace(string(text)))
	check(err)
	log, err := os.OpenFile(own+".calls", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	check(err)
	_, err = log.WriteString(".")
	check(err)
	check(log.Close())
	time.Sleep(delay)
	check(syscall.Exec(own+".real", os.Args, os.Environ()))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "delay:", err)
		os.Exit(1)
	}
}
