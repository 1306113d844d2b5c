// Package secrets does on one machine what AWS Secrets Manager does for the functions,
// and for `customercare keys`: it answers GetSecretValue, PutSecretValue,
// UpdateSecretVersionStage and ListSecretVersionIds, over the same protocol and with the
// same errors, and remembers who asked.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html
package secrets

import (
	"crypto/sha256"
	"fmt"
	"maps"
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
	Text      string            // of the current version
	labels    map[string]string // from each other staging label to the text that has it
	texts     []string          // every other text that there was: none is ever deleted
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

// put gives the secret another text, and the one before it the label AWSPREVIOUS.
func (s *Secret) put(text string) {
	s.label("AWSPREVIOUS", s.Text)
	s.Text = text
}

// label puts a staging label on a version that is not current, in place of the one that
// had it.
func (s *Secret) label(label, text string) {
	s.labels = maps.Clone(s.labels) // copies of the secret keep theirs
	if s.labels == nil {
		s.labels = map[string]string{}
	}
	s.labels[label] = text
	if !slices.Contains(s.texts, text) {
		s.texts = append(s.texts, text)
	}
}

// stages are the staging labels of the version with this text. One that has none is
// deprecated.
func (s *Secret) stages(text string) []string {
	stages := []string{}
	if text == s.Text {
		stages = append(stages, current)
	}
	for _, label := range slices.Sorted(maps.Keys(s.labels)) {
		if s.labels[label] == text && text != s.Text {
			stages = append(stages, label)
		}
	}
	return stages
}

const current = "AWSCURRENT"

// actions are what is answered. There are more on AWS, but nobody here calls them.
var actions = []string{"GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage", "ListSecretVersionIds"}

// request is what the calls carry.
type request struct {
	SecretId, VersionId, VersionStage, SecretString string
	MoveToVersionId, RemoveFromVersionId            string
	VersionStages                                   []string
	IncludeDeprecated                               bool
}

const notFound, cannotFind = "ResourceNotFoundException", "Secrets Manager can't find the specified secret"

// do does what an action asks of the secret, and gives the answer.
func (s *Secret) do(action string, asked request) (map[string]any, *awsjson.Refusal) {
	answer := map[string]any{"ARN": s.ARN, "Name": s.Name}
	var text string
	switch action {
	case "ListSecretVersionIds":
		versions := []map[string]any{}
		for i, text := range append([]string{s.Text}, s.texts...) {
			stages := s.stages(text)
			if i == 0 || text != s.Text && (len(stages) > 0 || asked.IncludeDeprecated) {
				versions = append(versions, map[string]any{
					"VersionId": s.version(text), "VersionStages": stages, "CreatedDate": created,
				})
			}
		}
		answer["Versions"] = versions
		return answer, nil
	case "UpdateSecretVersionStage":
		return answer, s.move(asked)
	case "PutSecretValue":
		if len(asked.VersionStages) == 0 {
			s.put(asked.SecretString)
		} else {
			s.label(asked.VersionStages[0], asked.SecretString)
		}
		text = asked.SecretString
	default:
		found, refused := s.find(asked)
		if refused != nil {
			return nil, refused
		}
		text = found
		answer["SecretString"], answer["CreatedDate"] = text, created
	}
	answer["VersionId"], answer["VersionStages"] = s.version(text), s.stages(text)
	return answer, nil
}

// move moves the label AWSCURRENT to another version, or takes any other label away.
func (s *Secret) move(asked request) *awsjson.Refusal {
	from, labelled := s.labels[asked.VersionStage]
	if asked.VersionStage == current {
		from, labelled = s.Text, asked.MoveToVersionId != ""
	}
	if !labelled || asked.RemoveFromVersionId != s.version(from) {
		return &awsjson.Refusal{Type: "InvalidParameterException", Message: "The staging label is attached to another version."}
	}
	if asked.VersionStage != current {
		s.labels = maps.Clone(s.labels)
		delete(s.labels, asked.VersionStage)
		return nil
	}
	for _, text := range s.texts {
		if asked.MoveToVersionId == s.version(text) {
			s.put(text)
			return nil
		}
	}
	return &awsjson.Refusal{Type: notFound, Message: cannotFind + " value for VersionId: " + asked.MoveToVersionId}
}

// find gives the text of the version that is asked for, by its id, its label, or both.
func (s *Secret) find(asked request) (string, *awsjson.Refusal) {
	text, labelled := s.labels[asked.VersionStage]
	if !labelled {
		text = s.Text
	}
	for _, other := range s.texts {
		if asked.VersionStage == "" && asked.VersionId == s.version(other) {
			text = other
		}
	}
	switch {
	case asked.VersionId != "" && asked.VersionId != s.version(text):
		return "", &awsjson.Refusal{Type: notFound, Message: cannotFind + " value for VersionId: " + asked.VersionId}
	case asked.VersionStage != "" && asked.VersionStage != current && !labelled:
		return "", &awsjson.Refusal{Type: notFound, Message: cannotFind + " value for staging label: " + asked.VersionStage}
	}
	return text, nil
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

// Stages are the staging labels of all versions of the secret that the template calls
// logicalID.
func (s *Server) Stages(logicalID string) (all []string) {
	secret, _ := s.Secret(logicalID)
	for _, text := range append([]string{secret.Text}, secret.texts...) {
		all = append(all, secret.stages(text)...)
	}
	return all
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
