package bench

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
)

// Machine is what was measured on.
type Machine struct {
	CPU    string `json:"cpu"` // model name
	Cores  int    `json:"cores"`
	Go     string `json:"go"`
	Engine string `json:"engine"` // of DynamoDB, with its version
}

func (m Machine) String() string {
	return fmt.Sprintf("%d cores of %s, %s, %s in memory", m.Cores, m.CPU, m.Go, m.Engine)
}

// ThisMachine is the one at hand, but for its engine. It asks Linux for the processor's
// name; what another system does not tell in the same place is left open.
func ThisMachine() Machine {
	m := Machine{
		CPU:   "an unnamed CPU",
		Cores: runtime.NumCPU(),
		Go:    runtime.Version() + " " + runtime.GOARCH,
	}
	text, _ := os.ReadFile("/proc/cpuinfo")
	if name := regexp.MustCompile(`(?m)^model name\s*: (.+)$`).FindSubmatch(text); name != nil {
		m.CPU = string(name[1])
	}
	return m
}
