package local

import (
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
)

func TestSettings(t *testing.T) {
	env := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	s, err := readSettings(env())
	if err != nil || s.Port != 3000 || s.SecretsPort != 3001 || s.KMSPort != 3002 || s.DynamoDBPort != 8000 || s.Endpoint != nil ||
		s.ScheduleEvery != 5*time.Second || s.keysDir("cache") != "cache" {
		t.Errorf("defaults: %s, %v", repr.String(s), err)
	}
	s, err = readSettings(env("PORT", "1", "DYNAMODB_PORT", "2", "SECRETS_PORT", "3", "KMS_PORT", "4", "DATA_DIR", "d",
		"SCHEDULE_EVERY", "2s"))
	if err != nil || s.Port != 1 || s.DynamoDBPort != 2 || s.SecretsPort != 3 || s.KMSPort != 4 || s.DataDir != "d" ||
		s.ScheduleEvery != 2*time.Second || s.keysDir("cache") != "d" {
		t.Errorf("given: %s, %v", repr.String(s), err)
	}
	s, err = readSettings(env("DYNAMODB_ENDPOINT", "https://dynamodb.eu-west-1.amazonaws.com",
		"AWS_REGION", "eu-west-1", "AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "b"))
	if err != nil || s.region != "eu-west-1" || s.credentials.AccessKeyID != "a" {
		t.Errorf("AWS: %s, %v", repr.String(s), err)
	}
	// Where the DynamoDB is another's, its own port is nobody's.
	s, err = readSettings(env("DYNAMODB_ENDPOINT", "http://127.0.0.1:8001", "KMS_PORT", "8000"))
	if err != nil || s.credentials.AccessKeyID != "local" || s.region != "" {
		t.Errorf("a DynamoDB of one's own: %s, %v", repr.String(s), err)
	}
	for _, c := range []struct{ name, value, want string }{
		{"PORT", "high", "PORT must be a port"},
		{"PORT", "70000", "PORT must be a port"},
		{"PORT", "8000", "PORT and DYNAMODB_PORT must differ"},
		{"SECRETS_PORT", "8000", "SECRETS_PORT and DYNAMODB_PORT must differ"},
		{"SECRETS_PORT", "3000", "PORT and SECRETS_PORT must differ"},
		{"KMS_PORT", "3001", "SECRETS_PORT and KMS_PORT must differ"},
		{"KMS_PORT", "8000", "KMS_PORT and DYNAMODB_PORT must differ"},
		{"KMS_PORT", "-1", "KMS_PORT must be a port"},
		{"SECRETS_HOST", "0.0.0.0", "SECRETS_HOST must be an address of this machine other than"},
		{"SECRETS_HOST", "127.0.0.1", "SECRETS_HOST must be an address of this machine other than"},
		{"SECRETS_HOST", "docker0", "SECRETS_HOST must be an address of this machine other than"},
		{"SECRETS_PORT", "x", "SECRETS_PORT must be a port"},
		{"SCHEDULE_EVERY", "-2s", "SCHEDULE_EVERY must be a duration"},
		{"DYNAMODB_ENDPOINT", "localhost:8000", "DYNAMODB_ENDPOINT must be an address"},
		{"DYNAMODB_ENDPOINT", "https://dynamodb.eu-west-1.amazonaws.com", "set AWS_REGION"},
		{"PARAMETERS", "WriterLifetime",
			`PARAMETERS must be pairs such as WriterLifetime=2s with blanks between them, not "WriterLifetime"`},
		{"PARAMETERS", "A=1 =2", `PARAMETERS must be pairs such as WriterLifetime=2s with blanks between them, not "=2"`},
		{"PARAMETERS", "A=1 A=1", "PARAMETERS must not name A twice"},
		{"VERBOSE", "loud", `VERBOSE must be 1 or 0, not "loud"`},
		{"LOG", "xml", `LOG must be json or empty, not "xml"`},
	} {
		if _, err := readSettings(env(c.name, c.value)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%s: %v, want %s", c.name, c.value, err, c.want)
		}
	}
}

// Whoever has set several things wrong is told of all of them, a sentence for each.
func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	_, err := readSettings(map[string]string{
		"PORT": "high", "SECRETS_PORT": "0", "DYNAMODB_PORT": "3000", "SCHEDULE_EVERY": "often", "PARAMETERS": "x",
		"LOG": "loud", "VERBOSE": "y",
	})
	if err == nil {
		t.Fatal("taken")
	}
	want := []string{
		`PORT must be a port from 1 to 65535, not "high"`,
		`SECRETS_PORT must be a port from 1 to 65535, not "0"`,
		`SCHEDULE_EVERY must be a duration such as 2s, not "often"`,
		`PARAMETERS must be pairs such as WriterLifetime=2s with blanks between them, not "x"`,
		`VERBOSE must be 1 or 0, not "y"`,
		`LOG must be json or empty, not "loud"`,
	}
	if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestParametersAndSwitches(t *testing.T) {
	s, err := readSettings(map[string]string{
		"PARAMETERS": " TempAllowTypes=1=24h,2=date\tAlarmEmail= ", "VERBOSE": "1", "LOG": "json", "NO_COLOR": "1",
	})
	want := parameters{"TempAllowTypes": "1=24h,2=date", "AlarmEmail": ""}
	if err != nil || !maps.Equal(s.Parameters, want) || !s.Verbose || s.Log != "json" || s.colours() {
		t.Errorf("%s, %v", repr.String(s), err)
	}
	s, err = readSettings(map[string]string{"PORT": "", "PARAMETERS": "", "VERBOSE": "", "LOG": "", "NO_COLOR": "",
		"SCHEDULE_EVERY": ""})
	if err != nil || s.Port != 3000 || len(s.Parameters) != 0 || s.Verbose || s.Log != "" || !s.colours() {
		t.Errorf("empty variables: %s, %v", repr.String(s), err)
	}
}

// An address of the documentation, which no machine has.
func TestAHostOfAnotherMachineIsNamed(t *testing.T) {
	const want = "SECRETS_HOST must be an address of this machine, which 192.0.2.1 is not"
	if err := (settings{SecretsHost: "192.0.2.1"}).checkPorts(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestTakenPortsAreNamed(t *testing.T) {
	s := settings{}
	for _, p := range []*port{&s.Port, &s.SecretsPort, &s.KMSPort, &s.DynamoDBPort} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		*p = port(l.Addr().(*net.TCPAddr).Port)
	}
	err := s.checkPorts()
	if err == nil {
		t.Fatal("taken ports are free")
	}
	said := strings.Split(err.Error(), "\n")
	for i, name := range []string{"PORT", "SECRETS_PORT", "KMS_PORT", "DYNAMODB_PORT"} {
		if len(said) != 4 || !strings.HasSuffix(said[i],
			"is taken: end what listens there or set "+name+" to another port") {
			t.Errorf("%q", said)
		}
	}
}
