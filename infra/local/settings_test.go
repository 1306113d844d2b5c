package main

import (
	"net"
	"strings"
	"testing"
	"time"
)

func TestSettings(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	s, err := readSettings(env())
	if err != nil || s.port != 3000 || s.secretsPort != 3001 || s.dynamoDBPort != 8000 || s.endpoint != "" || s.scheduleEvery != 0 {
		t.Errorf("defaults: %+v, %v", s, err)
	}
	s, err = readSettings(env("PORT", "1", "DYNAMODB_PORT", "2", "SECRETS_PORT", "3", "DATA_DIR", "d", "SCHEDULE_EVERY", "2s"))
	if err != nil || s.port != 1 || s.dynamoDBPort != 2 || s.secretsPort != 3 || s.dataDir != "d" || s.scheduleEvery != 2*time.Second {
		t.Errorf("given: %+v, %v", s, err)
	}
	s, err = readSettings(env("DYNAMODB_ENDPOINT", "https://dynamodb.eu-west-1.amazonaws.com",
		"AWS_REGION", "eu-west-1", "AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "b"))
	if err != nil || s.region != "eu-west-1" || s.credentials.AccessKeyID != "a" {
		t.Errorf("AWS: %+v, %v", s, err)
	}
	s, err = readSettings(env("DYNAMODB_ENDPOINT", "http://127.0.0.1:8001"))
	if err != nil || s.credentials.AccessKeyID != "local" || s.region != "" {
		t.Errorf("a DynamoDB of one's own: %+v, %v", s, err)
	}
	for _, c := range []struct{ name, value, want string }{
		{"PORT", "high", "PORT must be a port"},
		{"PORT", "70000", "PORT must be a port"},
		{"PORT", "8000", "DYNAMODB_PORT must differ from PORT and SECRETS_PORT"},
		{"SECRETS_PORT", "8000", "DYNAMODB_PORT must differ from PORT and SECRETS_PORT"},
		{"SECRETS_PORT", "3000", "PORT and SECRETS_PORT must differ"},
		{"SECRETS_PORT", "x", "SECRETS_PORT must be a port"},
		{"SCHEDULE_EVERY", "-2s", "SCHEDULE_EVERY must be a duration"},
		{"DYNAMODB_ENDPOINT", "localhost:8000", "DYNAMODB_ENDPOINT must be an address"},
		{"DYNAMODB_ENDPOINT", "https://dynamodb.eu-west-1.amazonaws.com", "set AWS_REGION"},
	} {
		if _, err := readSettings(env(c.name, c.value)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%s: %v, want %s", c.name, c.value, err, c.want)
		}
	}
}

func TestTakenPortIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := checkPort(l.Addr().String(), "PORT"); err == nil || !strings.HasSuffix(err.Error(), "is taken: end what listens there or set PORT to another port") {
		t.Errorf("%v", err)
	}
}
