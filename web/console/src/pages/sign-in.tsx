import { useMutation } from '@tanstack/react-query';
import { UserRound } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { useAuth } from '../auth';
import icon from '../icon.svg';
import { useText } from '../text';
import { Fault, Field } from '../ui/bits';
import { Button } from '../ui/button';
import { LanguageButton, ThemeButton } from '../ui/preferences';

/** Where people come in: with an account, with a new one, or as a guest. */
export function SignIn() {
  const { t } = useText();
  const { settings, signIn, signUp, guest } = useAuth();
  const [isNew, setNew] = useState(false);
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [confirm, setConfirm] = useState(false);
  const enter = useMutation({
    mutationFn: async (how: 'in' | 'up' | 'guest') => {
      if (how === 'guest') await guest();
      else if (how === 'in') await signIn(email, password);
      else setConfirm(!(await signUp(email, password)));
    },
    onError: () => {},
  });
  const submit = (e: FormEvent) => {
    e.preventDefault();
    enter.mutate(isNew ? 'up' : 'in');
  };
  return (
    <div className="gate">
      <section className="gate-words" aria-hidden>
        <GatePicture />
        <h2>{t('gate.title')}</h2>
        <p>{t('gate.text')}</p>
      </section>
      <main className="gate-form">
        <div className="gate-tools row">
          <ThemeButton />
          <LanguageButton />
        </div>
        <div className="gate-brand">
          <img src={icon} alt="" width={40} height={40} />
          <h1>{isNew ? t('signUp.title') : t('signIn.title')}</h1>
        </div>
        <form onSubmit={submit}>
          <Field label={t('email')}>
            <input type="email" autoComplete="username" required value={email} onChange={(e) => setEmail(e.target.value)} />
          </Field>
          <Field label={t('password')} {...(isNew ? { hint: t('password.hint') } : {})}>
            <input type="password" autoComplete={isNew ? 'new-password' : 'current-password'} required value={password} onChange={(e) => setPassword(e.target.value)} />
          </Field>
          {enter.error && <Fault error={enter.error} />}
          {confirm && <p role="status">{t('signUp.confirm')}</p>}
          <Button kind="primary" type="submit" busy={enter.isPending}>
            {isNew ? t('signUp') : t('signIn')}
          </Button>
        </form>
        {settings.sign_in.guests && (
          <Button icon={UserRound} onClick={() => enter.mutate('guest')} disabled={enter.isPending}>
            {t('signIn.guest')}
          </Button>
        )}
        {settings.sign_in.sign_up && (
          <p className="center-text">
            {isNew ? t('signUp.have') : t('signIn.new')}{' '}
            <button type="button" className="link" onClick={() => (setNew(!isNew), enter.reset())}>
              {isNew ? t('signIn') : t('signUp')}
            </button>
          </p>
        )}
      </main>
    </div>
  );
}

function GatePicture() {
  return (
    <svg viewBox="0 0 420 220" className="gate-picture">
      <g fill="none" stroke="currentColor" strokeOpacity=".45" strokeWidth="2.5">
        <path d="M94 110 C150 110 130 56 186 56" />
        <path d="M94 110 C150 110 130 164 186 164" />
        <path d="M248 56 C304 56 286 110 330 110" />
        <path d="M248 164 C304 164 286 110 330 110" />
      </g>
      {[
        [60, 110],
        [217, 56],
        [217, 164],
        [360, 110],
      ].map(([x, y], i) => (
        <g key={i}>
          <rect x={x! - 32} y={y! - 26} width="64" height="52" rx="14" fill="currentColor" fillOpacity={i === 3 ? 0.95 : 0.18} stroke="currentColor" strokeOpacity=".6" />
          <circle cx={x} cy={y} r="9" fill={i === 3 ? '#4f46e5' : 'currentColor'} />
        </g>
      ))}
    </svg>
  );
}
