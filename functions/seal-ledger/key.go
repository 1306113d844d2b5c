package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/environment"
	"customercare/shared/receipt"
)

// kmsSettings is what the function has in its environment about its key.
type kmsSettings struct {
	Key      string `env:"LOG_KEY,required,notEmpty"`    // its ARN or id
	Origin   string `env:"LOG_ORIGIN,required,notEmpty"` // the log's name, and its key's
	Endpoint string `env:"AWS_ENDPOINT_URL_KMS"`         // empty: as store.Settings.Endpoint
}

// kmsTryTimeout is how long one try may take, so that a connection that hangs leaves time
// for others.
const kmsTryTimeout = 2 * time.Second

// key is the key that signs the log. It is in KMS, and in no process.
type key struct {
	client *kms.Client
	id     string
	origin string

	mu    sync.Mutex
	known verifier // what read has read
}

// verifier is the half of the key that everybody may have, and its text.
type verifier struct {
	note.Verifier
	text string
}

// key is the key of these settings.
func (s kmsSettings) key(config aws.Config) *key {
	return &key{id: s.Key, origin: s.Origin, client: kms.NewFromConfig(config, func(o *kms.Options) {
		tries := environment.HTTPClient(environment.Transport())
		tries.Timeout = kmsTryTimeout
		o.HTTPClient = tries
		o.Retryer = environment.Retryer()
		if s.Endpoint != "" {
			o.BaseEndpoint = &s.Endpoint
		}
	})}
}

// read gives the half that verifies. Only the first run of a process asks KMS for it. A
// failure there is one of the run: the next one asks again.
func (k *key) read(ctx context.Context) (verifier, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known.Verifier != nil {
		return k.known, nil
	}
	out, err := k.client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &k.id})
	if err != nil {
		return verifier{}, failed("GetPublicKey", err)
	}
	parsed, err := x509.ParsePKIXPublicKey(out.PublicKey)
	public, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return verifier{}, errors.New("the key LOG_KEY is no Ed25519 key (ECC_NIST_EDWARDS25519)")
	}
	text, err := note.NewEd25519VerifierKey(k.origin, public)
	if err != nil {
		return verifier{}, errors.New("LOG_ORIGIN is no name of a key: it has a blank or a plus in it")
	}
	read, err := note.NewVerifier(text)
	if err == nil {
		k.known = verifier{read, text}
	}
	return k.known, err
}

// sign gives the checkpoint of a tree. The signature is verified before it goes anywhere.
func (k *key) sign(ctx context.Context, own verifier, tree tlog.Tree) (string, error) {
	text := receipt.CheckpointText(k.origin, tree)
	signed, err := note.Sign(&note.Note{Text: text}, signer{own, ctx, k})
	if err != nil {
		return "", err
	}
	if _, err := note.Open(signed, note.VerifierList(own)); err != nil {
		return "", errors.New("the signature that KMS gave does not fit the key")
	}
	return string(signed), nil
}

// signer signs a note within ctx.
type signer struct {
	verifier
	ctx context.Context
	key *key
}

// Sign lets KMS sign the note's text, a call for each.
func (s signer) Sign(text []byte) ([]byte, error) {
	out, err := s.key.client.Sign(s.ctx, &kms.SignInput{
		KeyId: &s.key.id, Message: text, MessageType: types.MessageTypeRaw,
		SigningAlgorithm: types.SigningAlgorithmSpecEd25519Sha512,
	})
	if err != nil {
		return nil, failed("Sign", err)
	}
	return out.Signature, nil
}

// failed is the error of a call to KMS: its name and KMS's code. A message of the SDK may
// quote an answer that it could not read.
func failed(call string, err error) error {
	code := "no answer"
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code = api.ErrorCode()
	}
	return fmt.Errorf("kms: %s: %s", call, code)
}
