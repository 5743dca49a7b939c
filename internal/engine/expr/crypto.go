package expr

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"

	"github.com/dop251/goja"
	"golang.org/x/crypto/ripemd160" //nolint:staticcheck // the format offers it
)

// cryptoNatives are digests and encodings of text.
func (v *vm) cryptoNatives(o *lazyFunctions) {
	o.add(map[string]func(a args) goja.Value{
		"hash": func(a args) goja.Value {
			out, err := digest(a.text(0), a.text(1))
			if err != nil {
				v.throw(failure(KindExtension, err.Error()))
			}
			return v.rt.ToValue(out)
		},
		"encode": func(a args) goja.Value { return v.rt.ToValue(encodeBytes([]byte(a.text(0)), a.text(1))) },
		"decode": func(a args) goja.Value {
			data, err := decodeBytes(a.text(0), a.text(1))
			if err != nil {
				v.throw(failure(KindExtension, err.Error()))
			}
			return v.rt.ToValue(strings.ToValidUTF8(string(data), "\uFFFD"))
		},
	})
}

func digest(name, text string) (string, error) {
	var h hash.Hash
	switch name {
	case "base64":
		return encodeBytes([]byte(text), "base64"), nil
	case "md5":
		h = md5.New()
	case "sha1":
		h = sha1.New()
	case "sha224":
		h = sha256.New224()
	case "sha256":
		h = sha256.New()
	case "sha384":
		h = sha512.New384()
	case "sha512":
		h = sha512.New()
	case "sha3":
		h = sha3.New512()
	case "ripemd160":
		h = ripemd160.New()
	default:
		return "", fmt.Errorf("hash() does not know %q: use md5, base64, sha1, sha224, sha256, sha384, sha512, sha3 or ripemd160", name)
	}
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil)), nil
}

func encodeBytes(data []byte, encoding string) string {
	switch encoding {
	case "base64":
		return base64.StdEncoding.EncodeToString(data)
	case "base64url":
		return base64.RawURLEncoding.EncodeToString(data)
	case "hex":
		return hex.EncodeToString(data)
	case "latin1", "binary", "ascii":
		out := make([]rune, len(data))
		for i, b := range data {
			if out[i] = rune(b); encoding == "ascii" {
				out[i] &= 0x7f
			}
		}
		return string(out)
	}
	return strings.ToValidUTF8(string(data), "\uFFFD")
}

// decodeBytes reads text in an encoding as leniently as the format's home
// does: what follows the first invalid character is dropped for hex, invalid
// characters are skipped for base64.
func decodeBytes(text, encoding string) ([]byte, error) {
	switch encoding {
	case "base64", "base64url":
		clean := strings.Map(func(r rune) rune {
			switch {
			case r == '-':
				return '+'
			case r == '_':
				return '/'
			case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '+', r == '/':
				return r
			}
			return -1
		}, strings.TrimRight(text, "="))
		if len(clean)%4 == 1 {
			clean = clean[:len(clean)-1]
		}
		return base64.RawStdEncoding.DecodeString(clean)
	case "hex":
		n := 0
		for n+1 < len(text) && isHex(text[n]) && isHex(text[n+1]) {
			n += 2
		}
		return hex.DecodeString(text[:n])
	case "latin1", "binary", "ascii":
		out := make([]byte, 0, len(text))
		for _, r := range text {
			out = append(out, byte(r))
		}
		return out, nil
	case "", "utf8", "utf-8", "utf16le", "ucs2":
		return []byte(text), nil
	}
	return nil, fmt.Errorf("unknown encoding %q", encoding)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
