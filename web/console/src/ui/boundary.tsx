import { Component, type ReactNode } from 'react';
import { Fault } from './bits';

/** Shows what went wrong in place of a page that could not be shown. */
export class Boundary extends Component<{ children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    return this.state.error === undefined ? this.props.children : <Fault error={this.state.error} />;
  }
}
