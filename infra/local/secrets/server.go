// Package secrets does on one machine what AWS Secrets Manager does for the functions,
// and for `customercare keys rotate`: it answers GetSecretValue, PutSecretValue and
// UpdateSecretVersionStage, over the same protocol and with the same errors, and
// remembers who asked.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
package secrets

import (
	"crypto/sha256"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"customercare/infra/local/awsjson"
)

// created is when all secrets were made, in seconds: the start of this program.
var created = float64(time.Now().UnixMilli()) / 1000

// Secret is one secret with its current version, and those beside it.
type Secret struct {
	LogicalID string // its name in the template
	Name      string
	ARN       string
	Text      string
	previous  string // the text before it, "" where there was none
	next      string // a text that is written and not current yet
}

// ARN gives a secret's ARN, which ends in six characters that Secrets Manager makes up;
// here they follow from the name, so that the ARN is the same after a restart.
func ARN(region, account, name string) string {
	suffix := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:6]
	return fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-%s", region, account, name, suffix)
}

// called says whether id names the secret: its name, its ARN, or its ARN without the last
// six characters.
func (s Secret) called(id string) bool {
	return id == s.Name || id == s.ARN || id == s.ARN[:strings.LastIndexByte(s.ARN, '-')]
}

// version is the id of the version that has this text, always the same one.
func (s Secret) version(text string) string {
	sum := sha256.Sum256([]byte(s.ARN + "\n" + text))
	return uuid.UUID(sum[:16]).String()
}

// put gives the secret another text, and keeps the one before it.
func (s *Secret) put(text string) { s.previous, s.Text = s.Text, text }

// actions are what is answered. There are more on AWS, but nobody here calls them.
var actions = []string{"GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"}

// request is what the calls carry.
type request struct {
	SecretId, VersionId, VersionStage, SecretString string
	MoveToVersionId, RemoveFromVersionId            string
	VersionStages                                   []string
}

const notFound, cannotFind = "ResourceNotFoundException", "Secrets Manager can't find the specified secret"

// do does what an action asks of the secret, and gives the answer.
func (s *Secret) do(action string, asked request) (map[string]any, *awsjson.Refusal) {
	answer := map[string]any{"ARN": s.ARN, "Name": s.Name}
	text, stage := s.Text, "AWSCURRENT"
	switch {
	case action == "UpdateSecretVersionStage":
		if asked.RemoveFromVersionId != s.version(s.Text) || asked.MoveToVersionId != s.version(s.next) {
			return nil, &awsjson.Refusal{Type: "InvalidParameterException", Message: "The staging label is attached to another version."}
		}
		s.put(s.next)
		return answer, nil
	case action == "PutSecretValue" && len(asked.VersionStages) > 0:
		s.next = asked.SecretString
		text, stage = s.next, asked.VersionStages[0]
	case action == "PutSecretValue":
		s.put(asked.SecretString)
		text = s.Text
	default:
		if asked.VersionStage == "AWSPREVIOUS" && s.previous != "" {
			text, stage = s.previous, asked.VersionStage
		}
		switch {
		case asked.VersionId != "" && asked.VersionId != s.version(text):
			return nil, &awsjson.Refusal{Type: notFound, Message: cannotFind + " value for VersionId: " + asked.VersionId}
		case asked.VersionStage != "" && asked.VersionStage != stage:
			return nil, &awsjson.Refusal{Type: notFound, Message: cannotFind + " value for staging label: " + asked.VersionStage}
		}
		answer["SecretString"], answer["CreatedDate"] = text, created
	}
	answer["VersionId"], answer["VersionStages"] = s.version(text), []string{stage}
	return answer, nil
}

// Request is one that named a caller and an action.
type Request struct {
	AccessKeyID string // who asked, as the signature says
	Action      string // e.g. GetSecretValue
	SecretARN   string // as the caller wrote it when there is no such secret
}

// Server serves secrets. All methods may be called at the same time.
type Server struct {
	*awsjson.Server

	mu      sync.Mutex
	secrets []Secret
	calls   []Request
}

// Serve answers requests at the listener until Close.
func Serve(listener net.Listener, secrets []Secret) *Server {
	s := &Server{secrets: slices.Clone(secrets)}
	s.Server = awsjson.Serve(listener, "secretsmanager", s.answer)
	return s
}

// find gives the first secret that fits; nil when none does. The caller holds the lock.
func (s *Server) find(fits func(Secret) bool) *Secret {
	at := slices.IndexFunc(s.secrets, fits)
	if at < 0 {
		return nil
	}
	return &s.secrets[at]
}

// Secret gives the secret that the template calls logicalID.
func (s *Server) Secret(logicalID string) (Secret, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if secret := s.find(func(secret Secret) bool { return secret.LogicalID == logicalID }); secret != nil {
		return *secret, true
	}
	return Secret{}, false
}

// Put gives the secret that the template calls logicalID another text, as PutSecretValue
// does.
func (s *Server) Put(logicalID, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if secret := s.find(func(secret Secret) bool { return secret.LogicalID == logicalID }); secret != nil {
		secret.put(text)
	}
}

// Calls are all requests so far, in order.
func (s *Server) Calls() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *Server) answer(call awsjson.Call) (any, *awsjson.Refusal) {
	var asked request
	if refused := call.Read(&asked); refused != nil {
		return nil, refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	secret, called := s.find(func(secret Secret) bool { return secret.called(asked.SecretId) }), asked.SecretId
	if secret != nil {
		called = secret.ARN
	}
	s.calls = append(s.calls, Request{call.AccessKeyID, call.Action, called})
	switch {
	case !slices.Contains(actions, call.Action):
		return nil, awsjson.UnknownOperation()
	case asked.SecretId == "":
		return nil, &awsjson.Refusal{Type: "InvalidParameterException", Message: "You must provide a SecretId."}
	case secret == nil:
		return nil, &awsjson.Refusal{Type: notFound, Message: cannotFind + "."}
	}
	return secret.do(call.Action, asked)
}
