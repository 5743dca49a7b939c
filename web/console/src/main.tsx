import './styles/base.css';
import './styles/app.css';
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { Failure } from './api/client';
import { AuthProvider } from './auth';
import { loadSettings } from './settings';
import { TextProvider } from './text';
import { applyTheme } from './theme';
import { Tooltips } from './ui/tooltip';
import { Toasts, toast } from './ui/toast';
import { messageOf } from './values';

// Libraries that make style elements of their own mark them with the page's nonce.
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
setNonce(nonce);
applyTheme();

const tell = (error: unknown) => toast({ kind: 'error', text: messageOf(error) });
const retriable = (failures: number, error: unknown) => failures < 2 && (!(error instanceof Failure) || error.status >= 500);

const queries = new QueryClient({
  queryCache: new QueryCache({ onError: (error, query) => query.state.data !== undefined && tell(error) }),
  mutationCache: new MutationCache({ onError: (error, _v, _c, mutation) => !mutation.options.onError && tell(error) }),
  defaultOptions: { queries: { staleTime: 5_000, retry: retriable } },
});

const root = createRoot(document.getElementById('root')!);

loadSettings().then(
  (settings) => {
    document.title = settings.name;
    root.render(
      <StrictMode>
        <TextProvider>
          <QueryClientProvider client={queries}>
            <AuthProvider settings={settings}>
              <Tooltips>
                <Toasts>
                  <App />
                </Toasts>
              </Tooltips>
            </AuthProvider>
          </QueryClientProvider>
        </TextProvider>
      </StrictMode>,
    );
  },
  (error: Error) => root.render(<p className="fatal">{error.message}</p>),
);
