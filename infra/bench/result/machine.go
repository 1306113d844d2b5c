package result

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// Machine is what was measured on.
type Machine struct {
	CPU      string  `json:"cpu"` // model name
	Cores    int     `json:"cores"`
	MemoryGB float64 `json:"memoryGB"` // 0 where the system does not tell
	OS       string  `json:"os"`
	Go       string  `json:"go"`
	Engine   string  `json:"engine"` // of DynamoDB, with its version
}

func (m Machine) String() string {
	memory := ""
	if m.MemoryGB > 0 {
		memory = digits(m.MemoryGB) + " GB of memory, "
	}
	return fmt.Sprintf("%d cores of %s, %s%s, %s, %s in memory", m.Cores, m.CPU, memory, m.OS, m.Go, m.Engine)
}

// ThisMachine asks Linux for its processor, memory and name; what another system does not tell in the same place is left
// open. engine is the DynamoDB that was measured on, with its version.
func ThisMachine(engine string) Machine {
	m := Machine{
		CPU: "an unnamed CPU", Cores: runtime.NumCPU(), OS: runtime.GOOS, Go: runtime.Version() + " " + runtime.GOARCH, Engine: engine,
	}
	if name := find("/proc/cpuinfo", `(?m)^model name\s*: (.+)$`); name != "" {
		m.CPU = name
	}
	if name := find("/etc/os-release", `(?m)^PRETTY_NAME="?([^"\n]+)"?$`); name != "" {
		m.OS = name
	}
	kB, _ := strconv.ParseFloat(find("/proc/meminfo", `(?m)^MemTotal:\s+(\d+) kB$`), 64)
	m.MemoryGB = float64(int(kB*1024/1e8)) / 10
	return m
}

// find is the first group of the first match in a file, "" when there is none.
func find(file, pattern string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	match := regexp.MustCompile(pattern).FindSubmatch(text)
	if match == nil {
		return ""
	}
	return strings.TrimSpace(string(match[1]))
}
